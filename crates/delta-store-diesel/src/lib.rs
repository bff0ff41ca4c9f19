//! Delta's stores on Postgres and on MySQL or MariaDB through diesel-async, pooled by deadpool.
//!
//! Each database is a feature: `postgres` brings `PgDieselStore`, and `mysql` brings `MySqlDieselStore`. Both are laid out
//! alike, file by file, and like the stores of `delta-store-sqlx`. A program can hold a store of each crate on one
//! database: so the names say which driver they are.
//!
//! The driver's own connection is part of the interface: a caller's transaction is one of diesel-async's, and a changeset
//! joins it. diesel and diesel-async are re-exported, so that the versions agree. Neither libpq nor a client library of
//! MySQL is needed.

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod answer;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod blocking;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod refused;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod transactions;

pub use diesel;
pub use diesel_async;
#[cfg(feature = "mysql")]
pub use mysql::*;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub use pool::Recycling;
#[cfg(feature = "postgres")]
pub use postgres::*;
