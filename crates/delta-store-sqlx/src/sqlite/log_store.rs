use delta_core::{
    DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable, LogName, LogStore, Position, Result,
    Timestamp, Trimmed,
};
use delta_sql::driver::Backoff;
use sqlx::{Sqlite, SqliteConnection};

use super::connection::in_transaction;
use super::dead_letters::{self, Mark};
use super::errors::error;
use super::store::SqliteStore;
use super::transaction::{BEGIN, Failure, settled};
use super::trim;
use crate::transactions::Transactions;

impl LogStore for SqliteStore {
    async fn begin_tx(&self, conn: &mut SqliteConnection) -> Result<()> {
        if in_transaction(conn).await.map_err(|failed| error("begin", failed))? {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, "begin", what));
        }
        let mut backoff = Backoff::new(self.inner.busy_timeout);
        loop {
            let begun = Transactions::<Sqlite>::begin(conn, BEGIN).await;
            let begun = begun.map_err(|failed| Failure::begin("begin", failed));
            if let Some(done) = settled(begun, &mut backoff).await {
                return done;
            }
        }
    }

    async fn commit_tx(&self, conn: &mut SqliteConnection) -> Result<()> {
        within(conn, "commit").await?;
        Transactions::<Sqlite>::commit(conn).await.map_err(|failed| error("commit", failed))?;
        self.inner.held.send();
        Ok(())
    }

    async fn rollback_tx(&self, conn: &mut SqliteConnection) -> Result<()> {
        within(conn, "roll back").await?;
        self.inner.held.forget();
        Transactions::<Sqlite>::rollback(conn).await.map_err(|failed| error("roll back", failed))
    }

    async fn trimmed(&self, conn: &mut SqliteConnection) -> Result<Position> {
        trim::mark(&self.inner, conn, &LogName::own()).await
    }

    async fn trim(&self, conn: &mut SqliteConnection, up_to: Position, limit: u32) -> Result<Trimmed> {
        trim::trim(&self.inner, conn, up_to, limit).await
    }

    fn dead_letter_table(&self) -> ErrorTable {
        ErrorTable::own(format!("{}_dead_letter", self.inner.tables.prefix()))
    }

    async fn put_dead_letter(
        &self,
        conn: &mut SqliteConnection,
        table: &ErrorTable,
        letter: &DeadLetter,
    ) -> Result<i64> {
        dead_letters::put(&self.inner, conn, table, letter).await
    }

    async fn dead_letters(
        &self,
        conn: &mut SqliteConnection,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        dead_letters::list(conn, table, query).await
    }

    async fn mark_dead_letters(
        &self,
        conn: &mut SqliteConnection,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        dead_letters::mark(&self.inner, conn, table, &Mark { ids, from, to, now }).await
    }
}

/// Fails if the connection is in no transaction.
async fn within(conn: &mut SqliteConnection, operation: &'static str) -> Result<()> {
    if in_transaction(conn).await.map_err(|failed| error(operation, failed))? {
        return Ok(());
    }
    let what = "expected a connection that is in a transaction, found one that is not";
    Err(Error::new(ErrorKind::Invalid, operation, what))
}
