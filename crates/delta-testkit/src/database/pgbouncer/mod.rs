//! `PgBouncer` for tests, in front of a Postgres server of the tests.

mod launch;
mod pooler;
mod programs;
mod shared;

pub use pooler::PgBouncer;
pub use shared::pgbouncer;
