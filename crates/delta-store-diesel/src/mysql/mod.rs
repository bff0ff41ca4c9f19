//! The store on a MySQL or MariaDB server: the logic of `delta_sql::mysql`, through diesel-async.

mod address;
mod connector;
mod driver;
mod errors;
mod options;
mod query;
mod row;
mod store;

pub use delta_sql::mysql::{MySqlSettings, SESSION as MYSQL_SESSION};
pub use options::MySqlDieselOptions;
pub use store::MySqlDieselStore;
