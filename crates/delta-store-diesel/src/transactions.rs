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

fn depth<C: Transactional>(conn: &mut C) -> QueryResult<Option<NonZeroU32>> {
    status(conn).transaction_depth()
}

/// Counts the innermost as ended.
pub(crate) fn count_ended<C: Transactional>(conn: &mut C) -> QueryResult<()> {
    status(conn).transaction_state()?.change_transaction_depth(TransactionDepthChange::DecreaseDepth)
}

/// Whether the connection is in a transaction, be it a failed one.
pub(crate) fn is_open<C: Transactional>(conn: &mut C) -> bool {
    !matches!(depth(conn), Ok(None))
}

/// Whether nobody knows any more what state the connection is in.
pub(crate) fn is_broken<C: Transactional>(conn: &mut C) -> bool {
    depth(conn).is_err()
}

/// Opens a savepoint if the connection is in a transaction, else a transaction; given up by `abandon` if that fails or is
/// not waited for.
pub(crate) async fn begin<C: Transactional>(conn: &mut C, begin: &str, abandon: fn(&mut C)) -> QueryResult<()> {
    let text = match depth(conn)? {
        None => Cow::Borrowed(begin),
        Some(depth) => Cow::Owned(format!("SAVEPOINT diesel_savepoint_{depth}")),
    };
    status(conn).transaction_state()?.change_transaction_depth(TransactionDepthChange::IncreaseDepth)?;
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
    let text = match depth(conn)?.map(NonZeroU32::get) {
        None => return Err(Error::NotInTransaction),
        Some(1) => Cow::Borrowed("COMMIT"),
        Some(depth) => Cow::Owned(format!("RELEASE SAVEPOINT diesel_savepoint_{}", depth - 1)),
    };
    conn.batch_execute(&text).await?;
    count_ended(conn)
}

/// Ends the innermost and undoes it. If that fails it is still to be abandoned.
pub(crate) async fn rollback<C: Transactional>(conn: &mut C) -> QueryResult<()> {
    let text = undoing(conn).ok_or(Error::NotInTransaction)?;
    conn.batch_execute(&text).await?;
    count_ended(conn)
}

/// What undoes the innermost.
pub(crate) fn undoing<C: Transactional>(conn: &mut C) -> Option<Cow<'static, str>> {
    Some(match depth(conn).ok()??.get() {
        1 => Cow::Borrowed("ROLLBACK"),
        depth => Cow::Owned(format!("ROLLBACK TO SAVEPOINT diesel_savepoint_{}", depth - 1)),
    })
}
