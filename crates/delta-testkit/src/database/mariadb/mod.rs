//! `MariaDB` for tests, or `MySQL` 8 where a URL names one.

mod admin;
mod database;
mod image;
mod initialise;
mod launch;
mod programs;
mod server;
mod shared;

pub use database::MariaDbDatabase;
pub use server::MariaDbServer;
pub use shared::{SharedMariaDb, mariadb, mariadb_blocking};
