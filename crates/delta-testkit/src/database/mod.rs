//! Real servers for tests: found, started in a temporary directory, or run by a container engine.
//!
//! [`PostgresDatabase::create`] and [`MariaDbDatabase::create`] give a test a fresh database on a server that all tests of a
//! process share; the first call gets that server. [`PostgresServer::start_private`] and [`MariaDbServer::start_private`]
//! start one for a test that kills its server, and [`PostgresServer::standby`] one that can take its place. [`Proxy`] breaks
//! connections. [`pgbouncer`] is a pooler in front of the shared Postgres.
//!
//! # Where a shared server comes from
//!
//! The first of these that there is:
//!
//! 1. the server named by the environment variable `DELTA_TEST_POSTGRES_URL`, or `DELTA_TEST_MYSQL_URL` (MariaDB or MySQL);
//! 2. server programs of Postgres 14 or newer, or MariaDB 10.6 or newer, on `PATH` or in the usual places of Debian, Red
//!    Hat and Homebrew, started on a free port with a temporary directory (by root: as the server's own user or `nobody`);
//! 3. a container, where a Docker engine answers;
//! 4. as root on Debian, what `apt-get install postgresql` or `mariadb-server` brings, started as in 2.
//!
//! Otherwise [`DatabaseError::NoServer`] says what to install. A backend is left out only when asked for, see [`Backend`](crate::Backend).
//!
//! # Guarantees
//!
//! - Two tests never get the same database, whatever the number of processes.
//! - A server started here ends, and its directory goes, when the process that started it ends in any way, `kill -9`
//!   included. Processes that a test spawns do not keep it alive.
//! - A database is dropped with its value. What a killed run left on a server given by URL is dropped by the next run.
//!
//! # Assumptions
//!
//! A Unix system with `/bin/sh`.

mod account;
mod blocking;
mod container;
mod daemon;
mod debian;
mod error;
mod install;
mod kind;
mod mariadb;
mod name;
mod password;
mod pgbouncer;
mod places;
mod poll;
mod postgres;
mod process;
mod proxy;
mod sandbox;
mod source;
mod url;

pub use error::DatabaseError;
pub use kind::ServerKind;
pub use mariadb::{MariaDbDatabase, MariaDbServer, SharedMariaDb, mariadb, mariadb_blocking};
pub use pgbouncer::{PgBouncer, pgbouncer};
pub use postgres::{PostgresDatabase, PostgresServer, Replication, SharedPostgres, postgres, postgres_blocking};
pub use proxy::{Proxy, Way};
