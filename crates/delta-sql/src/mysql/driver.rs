use std::future::Future;

use delta_core::Result;

use crate::driver::Driver;
use crate::mysql::query::Query;

/// A driver for MySQL and MariaDB.
///
/// Integers of any width, and booleans, are read with [`Row::int8`](crate::driver::Row::int8); text of any type, binary ones
/// included, with [`Row::text`](crate::driver::Row::text). Times are integers: microseconds since 1970.
///
/// # Sessions
///
/// Every session, also one that was made again behind the driver's back, has been told what
/// [`SESSION`](crate::mysql::SESSION) says before its first use.
pub trait MysqlDriver: Driver {
    /// Runs a query, and returns all rows of its answer.
    fn fetch(
        &self,
        conn: &mut Self::Conn,
        query: Query<'_>,
        operation: &'static str,
    ) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;

    /// Runs a statement that writes.
    fn execute(
        &self,
        conn: &mut Self::Conn,
        query: Query<'_>,
        operation: &'static str,
    ) -> impl Future<Output = Result<Executed>> + Send;
}

/// What became of a statement that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// It did what it says. How many rows it wrote is not told: drivers and servers count them in different ways.
    Done,
    /// A key that it was to insert exists (error 1062). The transaction goes on, without what the statement had done.
    Duplicate,
}
