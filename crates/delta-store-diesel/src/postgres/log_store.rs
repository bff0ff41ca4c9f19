use delta_core::{
    DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorTable, LogStore, Position, Result, Timestamp, Trimmed,
};
use diesel_async::AsyncPgConnection;

use super::store::PgDieselStore;

impl LogStore for PgDieselStore {
    async fn begin_tx(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        self.tables().begin_tx(conn).await
    }

    async fn commit_tx(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        self.tables().commit_tx(conn).await
    }

    async fn rollback_tx(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        self.tables().rollback_tx(conn).await
    }

    async fn trimmed(&self, conn: &mut AsyncPgConnection) -> Result<Position> {
        self.tables().trimmed(conn).await
    }

    async fn trim(&self, conn: &mut AsyncPgConnection, up_to: Position, limit: u32) -> Result<Trimmed> {
        self.tables().trim(conn, up_to, limit).await
    }

    fn dead_letter_table(&self) -> ErrorTable {
        self.tables().dead_letter_table()
    }

    async fn put_dead_letter(
        &self,
        conn: &mut AsyncPgConnection,
        table: &ErrorTable,
        letter: &DeadLetter,
    ) -> Result<i64> {
        self.tables().put_dead_letter(conn, table, letter).await
    }

    async fn dead_letters(
        &self,
        conn: &mut AsyncPgConnection,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        self.tables().dead_letters(conn, table, query).await
    }

    async fn mark_dead_letters(
        &self,
        conn: &mut AsyncPgConnection,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        self.tables().mark_dead_letters(conn, table, ids, from, to, now).await
    }
}
