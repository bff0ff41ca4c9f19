//! Statements and migrations for PostgreSQL 14 to 17.
//!
//! Input travels in arrays, one for each column, and comes apart again with `unnest`: a statement takes any number of
//! rows. What many rows have in common travels once, as a template that rows name by number.
//!
//! Answers are read by position. [`columns`] names the groups of columns that recur.

mod browse;
mod changes;
mod claim;
pub mod columns;
mod cursors;
mod driver;
mod due;
mod events;
mod insert;
mod lanes;
mod load;
mod log;
mod migrations;
mod query;
mod scopes;
mod settle;
mod statements;
mod update;

pub use driver::{ArrayRow, PostgresDriver};
pub use log::LogSpace;
pub use migrations::{Ledger, migrations};
pub use query::{Query, Value};
pub use settle::Settling;
pub use statements::Statements;
