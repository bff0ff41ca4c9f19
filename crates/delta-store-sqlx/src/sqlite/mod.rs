//! The store in a SQLite file.

mod browse;
mod claim;
mod commit;
mod connection;
mod cursors;
mod due;
mod errors;
mod events;
mod fences;
mod json;
mod lanes;
mod load;
mod migrate;
mod names;
mod options;
mod restore;
mod rows;
mod scopes;
mod statement;
mod store;
mod transaction;
mod wake;
mod writes;

pub use options::{AutoMigrate, MissingFile, SqliteOptions};
pub use store::SqliteStore;
pub use transaction::SqliteTransaction;
