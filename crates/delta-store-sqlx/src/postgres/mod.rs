//! The store on a Postgres server: the logic of `delta_sql::postgres`, through sqlx.

mod connection;
mod driver;
mod errors;
mod event_tables;
mod listen;
mod log_store;
mod moment;
mod options;
mod store;

pub use delta_sql::postgres::{Listen, PgSettings, StatementCache};
pub use options::PgOptions;
pub use store::PgStore;
