//! SQL text and migrations of Delta's stores, per dialect. No driver.
//!
//! Every statement has one text, so that two stores on one database cannot drift apart. Table names are the user's to
//! choose: a store renders the texts of its dialect once, when it is built, and keeps them.
//!
//! Identifiers go into a text only as a [`TablePrefix`] or a [`SchemaName`], which are checked; values only as
//! parameters.

pub mod driver;
mod history;
mod identifier;
mod migration;
pub mod mysql;
pub mod postgres;
pub mod sqlite;

pub use history::{Applied, History, Steps};
pub use identifier::{SchemaName, TablePrefix};
pub use migration::Migration;
