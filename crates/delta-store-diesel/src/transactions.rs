//! Transactions and savepoints as diesel counts them, so that its own and these can stand in each other.
//!
//! diesel's own functions take a connection for lost once one of their futures was dropped, and say so by a panic. Here it
//! is for each database to say what becomes of a transaction that is given up.

use std::borrow::Cow;
use std::num::NonZeroU32;

use diesel::QueryResult;
use diesel::connection::{TransactionDepthChange, TransactionManagerStatus};
use diesel::result::Error;
use diesel_async::{AnsiTransactionManager, AsyncConnection, TransactionManager};

/// A connection of diesel's.
pub(crate) trait Transactional: AsyncConnection<TransactionManager = AnsiTransactionManager> {}

impl<C: AsyncConnection<TransactionManager = AnsiTransactionManager>> Transactional for C {}

pub(crate) fn status<C: Transactional>(conn: &mut C) -> &mut TransactionManagerStatus {
    AnsiTransactionManager::transaction_manager_status_mut(conn)
}

/// Whether a connection is in a transaction, be it a failed one.
pub(crate) fn is_open(status: &TransactionManagerStatus) -> bool {
    !matches!(status.transaction_depth(), Ok(None))
}

/// Whether nobody knows any more what state a connection is in.
pub(crate) fn is_broken(status: &TransactionManagerStatus) -> bool {
    status.transaction_depth().is_err()
}

/// Counts one more, and says what opens it: a savepoint in a transaction, else `begin`.
pub(crate) fn opening(status: &mut TransactionManagerStatus, begin: &'static str) -> QueryResult<Cow<'static, str>> {
    let text = match status.transaction_depth()? {
        None => Cow::Borrowed(begin),
        Some(depth) => Cow::Owned(format!("SAVEPOINT diesel_savepoint_{depth}")),
    };
    status.transaction_state()?.change_transaction_depth(TransactionDepthChange::IncreaseDepth)?;
    Ok(text)
}

/// What keeps the innermost.
pub(crate) fn keeping(status: &TransactionManagerStatus) -> QueryResult<Cow<'static, str>> {
    match status.transaction_depth()?.map(NonZeroU32::get) {
        None => Err(Error::NotInTransaction),
        Some(1) => Ok(Cow::Borrowed("COMMIT")),
        Some(depth) => Ok(Cow::Owned(format!("RELEASE SAVEPOINT diesel_savepoint_{}", depth - 1))),
    }
}

/// What undoes the innermost.
pub(crate) fn undoing(status: &TransactionManagerStatus) -> QueryResult<Cow<'static, str>> {
    match status.transaction_depth()?.map(NonZeroU32::get) {
        None => Err(Error::NotInTransaction),
        Some(1) => Ok(Cow::Borrowed("ROLLBACK")),
        Some(depth) => Ok(Cow::Owned(format!("ROLLBACK TO SAVEPOINT diesel_savepoint_{}", depth - 1))),
    }
}

/// Counts the innermost as ended.
pub(crate) fn count_ended(status: &mut TransactionManagerStatus) -> QueryResult<()> {
    status.transaction_state()?.change_transaction_depth(TransactionDepthChange::DecreaseDepth)
}

/// Opens one; given up by `abandon` if that fails or is not waited for.
pub(crate) async fn begin<C: Transactional>(conn: &mut C, begin: &'static str, abandon: fn(&mut C)) -> QueryResult<()> {
    let text = opening(status(conn), begin)?;
    let mut opening = Opening { conn, open: true, abandon };
    opening.conn.batch_execute(&text).await?;
    opening.open = false;
    Ok(())
}

/// A transaction that is being opened.
struct Opening<'c, C> {
    conn: &'c mut C,
    open: bool,
    abandon: fn(&mut C),
}

impl<C> Drop for Opening<'_, C> {
    fn drop(&mut self) {
        if self.open {
            (self.abandon)(self.conn);
        }
    }
}

/// Ends the innermost and keeps it. If that fails it is still to be abandoned.
pub(crate) async fn commit<C: Transactional>(conn: &mut C) -> QueryResult<()> {
    let text = keeping(status(conn))?;
    conn.batch_execute(&text).await?;
    count_ended(status(conn))
}

/// Ends the innermost and undoes it. If that fails it is still to be abandoned.
pub(crate) async fn rollback<C: Transactional>(conn: &mut C) -> QueryResult<()> {
    let text = undoing(status(conn))?;
    conn.batch_execute(&text).await?;
    count_ended(status(conn))
}
