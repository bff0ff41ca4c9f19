//! The store on a MySQL or MariaDB server: the logic of `delta_sql::mysql`, through sqlx.

mod connection;
mod driver;
mod errors;
mod log_store;
mod options;
mod store;

pub use delta_sql::mysql::{MySqlSettings, SESSION as MYSQL_SESSION};
pub use options::MySqlOptions;
pub use store::MySqlStore;
