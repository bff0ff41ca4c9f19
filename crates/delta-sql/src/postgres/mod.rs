//! Statements, migrations and the logic of a store for PostgreSQL 14 to 17.
//!
//! Input travels in arrays, one for each column, and comes apart again with `unnest`: a statement takes any number of
//! rows. What many rows have in common travels once, as a template that rows name by number.
//!
//! Answers are read by position.

mod append;
mod append_events;
mod apply;
mod browse;
mod claim;
mod commit;
mod cursors;
mod dead_letters;
mod drafts;
mod driver;
mod due;
mod errors;
mod events;
mod fill_gap;
mod filter;
mod horizon;
mod insert;
mod inspect;
mod kept;
mod lanes;
mod live_table;
mod load;
mod log;
mod migrate;
mod migrations;
mod names;
mod outcomes;
mod query;
mod restore;
mod rows;
mod scopes;
mod settings;
mod settle;
mod table_cursors;
mod table_events;
mod table_schema;
mod tables;
mod templates;
mod text;
mod transactions;
mod trim;
mod update;
mod wake;

pub use driver::{ArrayRow, PostgresDriver};
pub use errors::{check_server_version, server_error};
pub use query::{Query, Value};
pub use settings::{Listen, PgSettings, StatementCache};
pub use tables::Tables;
pub use text::settle::Settling;
pub use text::statements::{Deep, Locking, Statements};
pub use wake::Listening;
