//! Statements, migrations and the logic of a store for PostgreSQL 14 to 17.
//!
//! Input travels in arrays, one for each column, and comes apart again with `unnest`: a statement takes any number of
//! rows. What many rows have in common travels once, as a template that rows name by number.
//!
//! Answers are read by position.

mod append;
mod apply;
mod browse;
mod claim;
mod commit;
mod cursors;
mod drafts;
mod driver;
mod due;
mod errors;
mod events;
mod filter;
mod insert;
mod lanes;
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
mod tables;
mod templates;
mod text;
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
