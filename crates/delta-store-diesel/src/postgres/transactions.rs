//! Transactions and savepoints as diesel counts them, so that its own and these can stand in each other.
//!
//! diesel's own functions take a connection for lost once one of their futures was dropped. These send what ends the
//! transaction instead, ahead of whatever the connection is used for next.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::{Context, Waker};

use diesel::QueryResult;
use diesel::connection::{TransactionDepthChange, TransactionManagerStatus};
use diesel::result::Error;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};

fn status(conn: &mut AsyncPgConnection) -> &mut TransactionManagerStatus {
    AnsiTransactionManager::transaction_manager_status_mut(conn)
}

fn depth(conn: &mut AsyncPgConnection) -> QueryResult<Option<NonZeroU32>> {
    status(conn).transaction_depth()
}

fn change(conn: &mut AsyncPgConnection, change: TransactionDepthChange) -> QueryResult<()> {
    status(conn).transaction_state()?.change_transaction_depth(change)
}

/// Whether the connection is in a transaction, be it a failed one.
pub(super) fn is_open(conn: &mut AsyncPgConnection) -> bool {
    !matches!(depth(conn), Ok(None))
}

/// Whether diesel has given up to know what state the connection is in.
pub(super) fn is_broken(conn: &mut AsyncPgConnection) -> bool {
    depth(conn).is_err()
}

/// Opens a savepoint if the connection is in a transaction, else a transaction.
pub(super) async fn begin(conn: &mut AsyncPgConnection, begin: &str) -> QueryResult<()> {
    let text = match depth(conn)? {
        None => Cow::Borrowed(begin),
        Some(depth) => Cow::Owned(format!("SAVEPOINT diesel_savepoint_{depth}")),
    };
    change(conn, TransactionDepthChange::IncreaseDepth)?;
    let mut opening = Opening { conn, open: true };
    opening.conn.batch_execute(&text).await?;
    opening.open = false;
    Ok(())
}

/// A transaction that is being opened: given up if that fails or is not waited for.
struct Opening<'c> {
    conn: &'c mut AsyncPgConnection,
    open: bool,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if self.open {
            abandon(self.conn);
        }
    }
}

/// Ends the innermost and keeps it. If that fails it is still to be abandoned.
pub(super) async fn commit(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    let text = match depth(conn)?.map(NonZeroU32::get) {
        None => return Err(Error::NotInTransaction),
        Some(1) => Cow::Borrowed("COMMIT"),
        Some(depth) => Cow::Owned(format!("RELEASE SAVEPOINT diesel_savepoint_{}", depth - 1)),
    };
    conn.batch_execute(&text).await?;
    change(conn, TransactionDepthChange::DecreaseDepth)
}

/// Ends the innermost and undoes it. If that fails it is still to be abandoned.
pub(super) async fn rollback(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    let text = undoing(conn).ok_or(Error::NotInTransaction)?;
    conn.batch_execute(&text).await?;
    change(conn, TransactionDepthChange::DecreaseDepth)
}

fn undoing(conn: &mut AsyncPgConnection) -> Option<Cow<'static, str>> {
    Some(match depth(conn).ok()??.get() {
        1 => Cow::Borrowed("ROLLBACK"),
        depth => Cow::Owned(format!("ROLLBACK TO SAVEPOINT diesel_savepoint_{}", depth - 1)),
    })
}

/// Undoes the innermost without waiting: what is sent is in line before all that follows.
pub(super) fn abandon(conn: &mut AsyncPgConnection) {
    let Some(text) = undoing(conn) else {
        return;
    };
    if change(conn, TransactionDepthChange::DecreaseDepth).is_err() {
        status(conn).set_in_error();
        return;
    }
    // One poll puts it in line; the answer is nobody's.
    let mut shared = &*conn;
    let sending = pin!(shared.batch_execute(&text));
    let _ = sending.poll(&mut Context::from_waker(Waker::noop()));
}
