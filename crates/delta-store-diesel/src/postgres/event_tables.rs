use delta_core::{
    CursorMove, CursorTable, ErrorTable, EventTable, EventTables, Gap, LogHolder, LogPage, NewEvent, Position, Result,
    TableEvent, TableQuery, Timestamp, Trimmed,
};
use diesel_async::AsyncPgConnection;

use super::store::PgDieselStore;

impl EventTables for PgDieselStore {
    fn event_table_sql(&self, table: &EventTable) -> Result<String> {
        self.tables().event_table_sql(table)
    }

    fn cursor_table_sql(&self, table: &CursorTable) -> Result<String> {
        self.tables().cursor_table_sql(table)
    }

    fn error_table_sql(&self, table: &ErrorTable) -> Result<String> {
        self.tables().error_table_sql(table)
    }

    async fn create_event_table(&self, conn: &mut AsyncPgConnection, table: &EventTable) -> Result<()> {
        self.tables().create_event_table(conn, table).await
    }

    async fn create_cursor_table(&self, conn: &mut AsyncPgConnection, table: &CursorTable) -> Result<()> {
        self.tables().create_cursor_table(conn, table).await
    }

    async fn create_error_table(&self, conn: &mut AsyncPgConnection, table: &ErrorTable) -> Result<()> {
        self.tables().create_error_table(conn, table).await
    }

    async fn inspect_event_table(&self, conn: &mut AsyncPgConnection, table: &EventTable) -> Result<()> {
        self.tables().inspect_event_table(conn, table).await
    }

    async fn inspect_cursor_table(&self, conn: &mut AsyncPgConnection, table: &CursorTable) -> Result<()> {
        self.tables().inspect_cursor_table(conn, table).await
    }

    async fn inspect_error_table(&self, conn: &mut AsyncPgConnection, table: &ErrorTable) -> Result<()> {
        self.tables().inspect_error_table(conn, table).await
    }

    async fn append_events(
        &self,
        conn: &mut AsyncPgConnection,
        table: &EventTable,
        events: &[NewEvent],
    ) -> Result<Vec<Position>> {
        self.tables().append_events(conn, table, events).await
    }

    async fn table_events(
        &self,
        conn: &mut AsyncPgConnection,
        table: &EventTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        self.tables().table_events(conn, table, query).await
    }

    async fn table_holders(&self, conn: &mut AsyncPgConnection, table: &EventTable) -> Result<Vec<LogHolder>> {
        self.tables().table_holders(conn, table).await
    }

    async fn fill_gap(
        &self,
        conn: &mut AsyncPgConnection,
        table: &EventTable,
        gap: Gap,
        now: Timestamp,
    ) -> Result<u64> {
        self.tables().fill_gap(conn, table, gap, now).await
    }

    async fn table_trimmed(&self, conn: &mut AsyncPgConnection, table: &EventTable) -> Result<Position> {
        self.tables().table_trimmed(conn, table).await
    }

    async fn trim_table(
        &self,
        conn: &mut AsyncPgConnection,
        table: &EventTable,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        self.tables().trim_table(conn, table, up_to, limit).await
    }

    async fn table_cursor(
        &self,
        conn: &mut AsyncPgConnection,
        table: &CursorTable,
        consumer: &str,
    ) -> Result<Option<Position>> {
        self.tables().table_cursor(conn, table, consumer).await
    }

    async fn move_table_cursor(
        &self,
        conn: &mut AsyncPgConnection,
        table: &CursorTable,
        consumer: &str,
        to: Position,
        now: Timestamp,
    ) -> Result<CursorMove> {
        self.tables().move_table_cursor(conn, table, consumer, to, now).await
    }
}
