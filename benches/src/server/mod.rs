//! Fresh servers with stated settings, and a database of its own for every subject and round.

mod backend;
mod mariadb;
mod place;
mod postgres;
mod watch;
mod world;

pub use backend::Backend;
pub use mariadb::MariaDb;
pub use place::Place;
pub use postgres::Postgres;
pub use watch::Watch;
pub use world::World;
