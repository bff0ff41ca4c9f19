//! The store in a SQLite file.

mod browse;
mod claim;
mod commit;
mod connection;
mod cursors;
mod dead_letters;
mod due;
mod errors;
mod event_tables;
mod events;
mod fences;
mod inspect;
mod json;
mod lanes;
mod load;
mod log_store;
mod migrate;
mod names;
mod options;
mod restore;
mod rows;
mod scopes;
mod statement;
mod store;
mod table_cursors;
mod table_events;
mod transaction;
mod trim;
mod wake;
mod writes;

pub use options::{AutoMigrate, MissingFile, SqliteOptions};
pub use store::SqliteStore;
pub use transaction::SqliteTransaction;
