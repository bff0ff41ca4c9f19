use sqlx::{Database, SqlStr};
use sqlx_core::transaction::TransactionManager;

/// The transactions of a connection, without the guard that sqlx has for them: a driver of the shared logic has one of its
/// own, which does not borrow the connection from it.
pub(crate) struct Transactions<DB>(std::marker::PhantomData<DB>);

impl<DB: Database> Transactions<DB> {
    /// Opens a savepoint if the connection is in a transaction, else a transaction with the statement `begin`.
    pub(crate) async fn begin(conn: &mut DB::Connection, begin: &'static str) -> sqlx::Result<()> {
        let outermost = DB::TransactionManager::get_transaction_depth(conn) == 0;
        DB::TransactionManager::begin(conn, outermost.then(|| SqlStr::from_static(begin))).await
    }

    pub(crate) async fn commit(conn: &mut DB::Connection) -> sqlx::Result<()> {
        DB::TransactionManager::commit(conn).await
    }

    pub(crate) async fn rollback(conn: &mut DB::Connection) -> sqlx::Result<()> {
        DB::TransactionManager::rollback(conn).await
    }

    /// Has it rolled back before the connection is used again.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) fn abandon(conn: &mut DB::Connection) {
        DB::TransactionManager::start_rollback(conn);
    }
}
