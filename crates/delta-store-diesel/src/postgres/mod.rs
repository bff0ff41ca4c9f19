//! The store on a Postgres server: the logic of `delta_sql::postgres`, through diesel-async.

mod address;
mod blocking;
mod blocking_store;
mod connector;
mod driver;
mod errors;
mod event_tables;
mod listen;
mod log_store;
mod moment;
mod options;
mod query;
mod row;
mod store;
mod tap;
mod tls;

pub use blocking::BlockingPg;
pub use blocking_store::BlockingPgStore;
pub use delta_sql::postgres::{Listen, PgSettings, StatementCache};
pub use options::PgDieselOptions;
pub use store::PgDieselStore;
