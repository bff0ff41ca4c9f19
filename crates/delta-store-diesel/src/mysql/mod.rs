//! The store on a MySQL or MariaDB server: the logic of `delta_sql::mysql`, through diesel-async.

mod address;
mod blocking;
mod blocking_store;
mod connector;
mod driver;
mod errors;
mod log_store;
mod options;
mod query;
mod row;
mod store;

pub use blocking::BlockingMySql;
pub use blocking_store::BlockingMySqlStore;
pub use delta_sql::mysql::{MySqlSettings, SESSION as MYSQL_SESSION};
pub use options::MySqlDieselOptions;
pub use store::MySqlDieselStore;
