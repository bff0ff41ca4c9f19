use std::future::Future;

use delta_core::Result;

use crate::driver::{Driver, Field, Row, RowError};
use crate::postgres::query::Query;
use crate::postgres::wake::Listening;

/// A driver for Postgres.
pub trait PostgresDriver: Driver<Row: ArrayRow> {
    /// A connection of its own that listens to a channel.
    type Listening: Listening;

    /// Whether statements stay prepared on their connections. If they do not, each is run in a transaction of its own,
    /// so that a pooler does not change the connection between its preparation and its use.
    fn keeps_statements(&self) -> bool;

    /// Runs a query, and returns all rows of its answer.
    fn fetch(
        &self,
        conn: &mut Self::Conn,
        query: Query<'_>,
        operation: &'static str,
    ) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;

    /// Opens a connection, outside of the pool, and listens to a channel on it.
    fn listen(&self, channel: &str) -> impl Future<Output = Result<Self::Listening>> + Send;
}

/// A row that holds arrays as well.
pub trait ArrayRow: Row {
    /// An array of 64-bit integers without nulls.
    fn int8s(&self, column: usize) -> Result<Option<Vec<i64>>, RowError>;
    /// An array of booleans without nulls.
    fn bools(&self, column: usize) -> Result<Option<Vec<bool>>, RowError>;
    /// An array of texts without nulls.
    fn texts(&self, column: usize) -> Result<Option<Vec<String>>, RowError>;
}

macro_rules! array_fields {
    ($($type:ty, $read:ident;)+) => {$(
        impl<'r, R: ArrayRow> Field<'r, R> for Option<Vec<$type>> {
            fn read(row: &'r R, column: usize) -> Result<Self, RowError> {
                row.$read(column)
            }
        }
    )+};
}

array_fields! {
    i64, int8s;
    bool, bools;
    String, texts;
}
