//! Statements, migrations and the logic of a store for MySQL 8.0 and MariaDB 10.6, and newer.
//!
//! One text serves both: what only one of them has is left out. Answers are read by position.

mod append;
mod browse;
mod check;
mod claim;
mod commit;
mod cursors;
mod dead_letters;
mod driver;
mod due;
mod errors;
mod events;
mod fill_gap;
mod filter;
mod holders;
mod insert;
mod inspect;
mod json;
mod lanes;
mod load;
mod log;
mod migrate;
mod migrations;
mod multi;
mod names;
mod query;
mod restore;
mod rows;
mod scopes;
mod settings;
mod table_cache;
mod table_cursors;
mod table_events;
mod table_horizon;
mod table_schema;
mod tables;
mod text;
mod transaction;
mod trim;
mod values;
mod work;
mod write;

pub use check::check_server_version;
pub use driver::{Executed, MysqlDriver};
pub use errors::server_error;
pub use query::{Query, Value};
pub use settings::MySqlSettings;
pub use tables::Tables;
pub use text::statements::statements;

/// What every session is told before its first use.
///
/// - Read committed: a statement that follows a lock sees what was committed before the lock was had, and no gap between
///   keys is locked, so that inserts do not wait for each other.
/// - Strict: a value that does not fit is an error, and never cut.
/// - A lock is waited for so many seconds; what then fails is tried again, or is the caller's to try again.
///
/// The comments are statements to the one and not to the other: MySQL and MariaDB have two names for the first variable.
pub const SESSION: &str = "\
SET SESSION /*!80003 transaction_isolation */ /*M! tx_isolation */ = 'READ-COMMITTED', \
SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
SESSION innodb_lock_wait_timeout = 5";
