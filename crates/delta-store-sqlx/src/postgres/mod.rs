//! The store on a Postgres server: the logic of `delta_sql::postgres`, through sqlx.

mod connection;
mod driver;
mod errors;
mod listen;
mod moment;
mod options;
mod store;

pub use options::{Listen, PgOptions, PgSettings, StatementCache};
pub use store::PgStore;
