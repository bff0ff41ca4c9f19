use std::fmt::Debug;
use std::future::Future;

use delta_core::Result;

use crate::driver::row::Row;

/// Connections and transactions of a driver.
///
/// Each method names the operation that it is part of, for its errors: a driver turns its own errors into Delta's, with
/// the kind that says what the caller is to do.
pub trait Driver: Clone + Debug + Send + Sync + 'static {
    /// The driver's own connection, in a transaction or not.
    type Conn: Send;
    /// A row of an answer, which holds its values.
    type Row: Row;

    /// Whether the connection is in a transaction, be it a failed one.
    fn is_in_transaction(&self, conn: &mut Self::Conn) -> bool;

    /// Opens a savepoint if the connection is in a transaction, else a transaction with the statement `begin`.
    ///
    /// A dropped call leaves none open, or a connection that can only roll back.
    fn begin(
        &self,
        conn: &mut Self::Conn,
        begin: &'static str,
        operation: &'static str,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Ends the innermost transaction or savepoint, and keeps what was done in it.
    fn commit(&self, conn: &mut Self::Conn, operation: &'static str) -> impl Future<Output = Result<()>> + Send;

    /// Ends the innermost transaction or savepoint, and undoes what was done in it.
    fn rollback(&self, conn: &mut Self::Conn, operation: &'static str) -> impl Future<Output = Result<()>> + Send;

    /// Says that the innermost transaction or savepoint is undone, whose future was dropped: at the latest before the
    /// connection is used again. Or makes the connection one that can only roll back.
    fn abandon(&self, conn: &mut Self::Conn);

    /// Runs statements without parameters, which are not prepared: one text may hold several.
    fn script(
        &self,
        conn: &mut Self::Conn,
        text: &str,
        operation: &'static str,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Opens a connection outside of the pool, for what must be committed whatever becomes of the caller's transaction:
    /// the pool may have none left, with everybody who has one waiting for this.
    fn aside(&self, operation: &'static str) -> impl Future<Output = Result<Self::Conn>> + Send;
}
