//! Postgres for tests. Another kind of server gets a folder with the same files beside this one.

mod admin;
mod database;
mod image;
mod initialise;
mod launch;
mod programs;
mod server;
mod shared;
mod standby;

pub use database::PostgresDatabase;
pub use server::PostgresServer;
pub use shared::{SharedPostgres, postgres, postgres_blocking};
pub use standby::Replication;
