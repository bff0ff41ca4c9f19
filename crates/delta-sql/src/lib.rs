//! What Delta's SQL stores share, per dialect: SQL text, migrations, and the logic of a store over any [`driver`].
//!
//! Everything exists once, so that two stores on one database cannot drift apart: the texts, what is bound to them, the
//! order in which they run, and how answers are read. SQLite has one driver, so its logic is that driver's store.
//!
//! Table names are the user's to choose: the texts of a dialect are rendered once, when a store is built, and kept.
//!
//! Identifiers go into a text only as a [`TablePrefix`] or a [`SchemaName`], which are checked; values only as
//! parameters.

pub mod driver;
mod history;
mod identifier;
mod migration;
pub mod mysql;
mod names;
pub mod postgres;
pub mod sqlite;

pub use history::{Applied, History, Steps};
pub use identifier::{SchemaName, TablePrefix};
pub use migration::Migration;
