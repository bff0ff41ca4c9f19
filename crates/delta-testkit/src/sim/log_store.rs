use delta_core::{
    DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorTable, LogStore, Position, Result, Timestamp, Trimmed,
};
use delta_store_memory::MemoryConn;

use super::store::SimStore;
use crate::fault::Operation;

fn done<T>(_: &T) -> String {
    "done".to_owned()
}

#[deny(clippy::missing_trait_methods)]
impl LogStore for SimStore {
    async fn begin_tx(&self, conn: &mut MemoryConn) -> Result<()> {
        self.call(Operation::BeginTx, String::new, self.sim().memory().begin_tx(conn), done).await
    }

    async fn commit_tx(&self, conn: &mut MemoryConn) -> Result<()> {
        self.call(Operation::CommitTx, String::new, self.sim().memory().commit_tx(conn), done).await
    }

    async fn rollback_tx(&self, conn: &mut MemoryConn) -> Result<()> {
        self.call(Operation::RollbackTx, String::new, self.sim().memory().rollback_tx(conn), done).await
    }

    async fn trimmed(&self, conn: &mut MemoryConn) -> Result<Position> {
        self.call(Operation::Trimmed, String::new, self.sim().memory().trimmed(conn), ToString::to_string).await
    }

    async fn trim(&self, conn: &mut MemoryConn, up_to: Position, limit: u32) -> Result<Trimmed> {
        let mut up_to = up_to;
        self.mutate(|mutation, sight| mutation.trim(sight, &mut up_to));
        let call = self.sim().memory().trim(conn, up_to, limit);
        self.call(Operation::Trim, || format!("up to {up_to}"), call, |trimmed| format!("{trimmed:?}")).await
    }

    fn dead_letter_table(&self) -> ErrorTable {
        self.sim().memory().dead_letter_table()
    }

    async fn put_dead_letter(&self, conn: &mut MemoryConn, table: &ErrorTable, letter: &DeadLetter) -> Result<i64> {
        let call = self.sim().memory().put_dead_letter(conn, table, letter);
        self.call(Operation::PutDeadLetter, String::new, call, ToString::to_string).await
    }

    async fn dead_letters(
        &self,
        conn: &mut MemoryConn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        let call = self.sim().memory().dead_letters(conn, table, query);
        self.call(Operation::DeadLetters, String::new, call, |letters| format!("{} rows", letters.len())).await
    }

    async fn mark_dead_letters(
        &self,
        conn: &mut MemoryConn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        let call = self.sim().memory().mark_dead_letters(conn, table, ids, from, to, now);
        self.call(Operation::MarkDeadLetters, || format!("{ids:?}"), call, ToString::to_string).await
    }
}
