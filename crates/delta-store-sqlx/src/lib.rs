//! Delta's stores on SQLite, Postgres, and MySQL or MariaDB through sqlx.
//!
//! Each database is a feature: `sqlite` brings `SqliteStore`, the embedded default, `postgres` brings `PgStore`, and `mysql`
//! brings `MySqlStore`. They are laid out alike, file by file, so that whoever has read one has read the others.
//!
//! The driver's own connection is part of the interface: a caller's transaction is one of sqlx's, and a changeset
//! joins it. sqlx is re-exported, so that the versions agree.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod transactions;

#[cfg(feature = "mysql")]
pub use mysql::*;
#[cfg(feature = "postgres")]
pub use postgres::*;
#[cfg(feature = "sqlite")]
pub use sqlite::{AutoMigrate, MissingFile, SqliteOptions, SqliteStore, SqliteTransaction};
pub use sqlx;
