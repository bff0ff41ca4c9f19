//! Statements and migrations for SQLite 3.51 and later.
//!
//! Parameters are numbered from `?1`; what each one is stands at the statement. Sets of rows come in as one JSON array,
//! read with `jsonb_each`, in which a row is an array too; unlike `json_each` it does not turn each row back into text
//! for each of its columns.

mod browse;
pub mod catalog;
mod claim;
mod commit;
pub mod cursor_table;
mod cursors;
mod due;
pub mod error_table;
pub mod event_table;
mod events;
mod insert;
mod lanes;
mod load;
mod migrate;
mod quote;
mod restore;
mod scopes;
mod statements;
mod tables;
mod trim;
mod write;

pub use quote::schema_and_name;
pub use statements::{Sql, Statements};
pub use tables::Tables;
