use std::ops::{Deref, DerefMut};

use delta_core::{Error, ErrorKind, Result};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use super::connection::in_transaction;
use super::errors::{error, is_busy};
use super::store::Inner;
use super::wake::HeldWakeUps;
use delta_sql::driver::Backoff;

/// Takes the write lock at once: a transaction that first reads and then writes could find that it read too early.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Why a transaction of this crate's own came to nothing.
pub(super) enum Failure {
    /// Another connection was writing: it may be tried again.
    Busy(Error),
    /// It failed.
    Failed(Error),
}

impl From<Error> for Failure {
    fn from(failed: Error) -> Self {
        Self::Failed(failed)
    }
}

impl Failure {
    pub(super) fn begin(operation: &'static str, failed: sqlx::Error) -> Self {
        if is_busy(&failed) {
            return Self::Busy(error(operation, failed));
        }
        if failed.to_string().contains("within a transaction") {
            let what =
                "expected a connection without a transaction, or with one of sqlx's, found one that a statement began";
            return Self::Failed(Error::new(ErrorKind::Invalid, operation, what));
        }
        Self::Failed(error(operation, failed))
    }
}

/// Whether to try again; if so, after a wait. `Ok` and failures that waiting does not mend go back to the caller.
pub(super) async fn settled<T>(done: Result<T, Failure>, backoff: &mut Backoff) -> Option<Result<T>> {
    match done {
        Ok(value) => Some(Ok(value)),
        Err(Failure::Failed(failed)) => Some(Err(failed)),
        Err(Failure::Busy(busy)) => (!backoff.again().await).then_some(Err(busy)),
    }
}

/// Takes SQLite's log into the file where a write may have failed for want of space, so that the next may find some.
///
/// It is commits that do so otherwise. A log that has grown over the whole disk, as somebody read an old state, would stay
/// so after he has gone: no commit would succeed.
pub(super) async fn relieved<T>(conn: &mut SqliteConnection, done: Result<T, Failure>) -> Result<T, Failure> {
    if let Err(Failure::Failed(failed)) = &done
        && failed.kind() == ErrorKind::Unavailable
    {
        // It waits for nobody, and does nothing in a caller's transaction.
        let _ = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(conn).await;
    }
    done
}

/// A transaction, or a savepoint within the caller's. Dropped, either is rolled back.
pub(super) struct Steps<'c> {
    tx: Transaction<'c, Sqlite>,
    callers: bool,
}

impl Deref for Steps<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.tx
    }
}

impl DerefMut for Steps<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}

/// Begins a transaction, or a savepoint within the caller's.
///
/// SQLite undoes a statement that fails and goes on: only the savepoint makes a changeset whole in a caller's transaction.
pub(super) async fn begin<'c>(operation: &'static str, conn: &'c mut SqliteConnection) -> Result<Steps<'c>, Failure> {
    let callers = in_transaction(conn).await.map_err(|failed| error(operation, failed))?;
    let begun = if callers { conn.begin().await } else { conn.begin_with(BEGIN).await };
    let tx = begun.map_err(|failed| Failure::begin(operation, failed))?;
    Ok(Steps { tx, callers })
}

/// Keeps what was done, or undoes it if it failed.
pub(super) async fn end<T>(operation: &'static str, steps: Steps<'_>, done: Result<T>) -> Result<T> {
    let Steps { tx, callers } = steps;
    let failed = match done {
        Ok(value) => return tx.commit().await.map(|()| value).map_err(|failed| error(operation, failed)),
        Err(failed) => failed,
    };
    match tx.rollback().await {
        // Without space, or memory, SQLite undoes all of a transaction: what the caller wrote next would be kept by itself.
        Err(_) if callers => {
            let what = format!("{failed}; the transaction was undone: roll it back and repeat it");
            Err(Error::new(ErrorKind::Conflict, operation, what))
        }
        // The connection may still count as in a transaction: the pool throws it away.
        Ok(()) | Err(_) => Err(failed),
    }
}

/// Takes steps in the caller's transaction, or in one of their own: all of them or none. `?` and `return` leave them.
///
/// A macro, for the compiler cannot tell of an asynchronous closure whether its future may be sent.
macro_rules! whole {
    ($operation:expr, $inner:expr, $conn:ident => $steps:block) => {{
        let mut backoff = delta_sql::driver::Backoff::new($inner.busy_timeout);
        loop {
            let done = async {
                let mut tx = $crate::sqlite::transaction::begin($operation, &mut *$conn).await?;
                let steps = async {
                    let $conn: &mut sqlx::SqliteConnection = &mut tx;
                    $steps
                };
                let done = steps.await;
                Ok($crate::sqlite::transaction::end($operation, tx, done).await?)
            };
            let done = done.await;
            let done = $crate::sqlite::transaction::relieved(&mut *$conn, done).await;
            if let Some(done) = $crate::sqlite::transaction::settled(done, &mut backoff).await {
                break done;
            }
        }
    }};
}

pub(super) use whole;

/// A transaction of the caller's own on the connection that writes; rolled back when it is dropped.
///
/// It dereferences to [`sqlx::SqliteConnection`]: run statements on `&mut *tx`, and give the same to Delta.
#[derive(Debug)]
pub struct SqliteTransaction {
    // Before the transaction, whose connection sends what is still held when it comes back.
    held: Held,
    tx: Transaction<'static, Sqlite>,
}

/// Forgets the wake-ups of a transaction that is not committed.
#[derive(Debug)]
struct Held(HeldWakeUps);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.forget();
    }
}

impl SqliteTransaction {
    pub(super) async fn begin(inner: &Inner) -> Result<Self> {
        let mut backoff = Backoff::new(inner.busy_timeout);
        loop {
            if let Some(done) = settled(Self::begin_once(inner).await, &mut backoff).await {
                return done;
            }
        }
    }

    async fn begin_once(inner: &Inner) -> Result<Self, Failure> {
        let tx = inner.pools.writer.begin_with(BEGIN).await.map_err(|failed| Failure::begin("begin", failed))?;
        Ok(Self { held: Held(inner.held.clone()), tx })
    }

    /// Keeps what was written.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves all of it or nothing.
    pub async fn commit(self) -> Result<()> {
        let Self { held, tx } = self;
        tx.commit().await.map_err(|failed| error("commit", failed))?;
        held.0.send();
        Ok(())
    }

    /// Undoes what was written.
    ///
    /// # Cancel safety
    ///
    /// A dropped future undoes it as well.
    pub async fn rollback(self) -> Result<()> {
        let Self { held, tx } = self;
        drop(held);
        tx.rollback().await.map_err(|failed| error("roll back", failed))
    }
}

impl Deref for SqliteTransaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.tx
    }
}

impl DerefMut for SqliteTransaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}
