use delta_core::{
    DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorTable, LogStore, Position, Result, Timestamp, Trimmed,
};

use super::operation::Operation;
use super::store::FaultStore;

#[deny(clippy::missing_trait_methods)]
impl<S: LogStore> LogStore for FaultStore<S> {
    async fn begin_tx(&self, conn: &mut S::Conn) -> Result<()> {
        self.hit(Operation::BeginTx, self.inner().begin_tx(conn)).await
    }

    async fn commit_tx(&self, conn: &mut S::Conn) -> Result<()> {
        self.hit(Operation::CommitTx, self.inner().commit_tx(conn)).await
    }

    async fn rollback_tx(&self, conn: &mut S::Conn) -> Result<()> {
        self.hit(Operation::RollbackTx, self.inner().rollback_tx(conn)).await
    }

    async fn trimmed(&self, conn: &mut S::Conn) -> Result<Position> {
        self.hit(Operation::Trimmed, self.inner().trimmed(conn)).await
    }

    async fn trim(&self, conn: &mut S::Conn, up_to: Position, limit: u32) -> Result<Trimmed> {
        self.hit(Operation::Trim, self.inner().trim(conn, up_to, limit)).await
    }

    fn dead_letter_table(&self) -> ErrorTable {
        self.inner().dead_letter_table()
    }

    async fn put_dead_letter(&self, conn: &mut S::Conn, table: &ErrorTable, letter: &DeadLetter) -> Result<i64> {
        self.hit(Operation::PutDeadLetter, self.inner().put_dead_letter(conn, table, letter)).await
    }

    async fn dead_letters(
        &self,
        conn: &mut S::Conn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        self.hit(Operation::DeadLetters, self.inner().dead_letters(conn, table, query)).await
    }

    async fn mark_dead_letters(
        &self,
        conn: &mut S::Conn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        let call = self.inner().mark_dead_letters(conn, table, ids, from, to, now);
        self.hit(Operation::MarkDeadLetters, call).await
    }
}
