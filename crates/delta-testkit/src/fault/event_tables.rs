use delta_core::{
    CursorMove, CursorTable, ErrorTable, EventTable, EventTables, Gap, LogHolder, LogPage, NewEvent, Position, Result,
    TableEvent, TableQuery, Timestamp, Trimmed,
};

use super::operation::Operation;
use super::store::FaultStore;

#[deny(clippy::missing_trait_methods)]
impl<S: EventTables> EventTables for FaultStore<S> {
    fn event_table_sql(&self, table: &EventTable) -> Result<String> {
        self.inner().event_table_sql(table)
    }

    fn cursor_table_sql(&self, table: &CursorTable) -> Result<String> {
        self.inner().cursor_table_sql(table)
    }

    fn error_table_sql(&self, table: &ErrorTable) -> Result<String> {
        self.inner().error_table_sql(table)
    }

    async fn create_event_table(&self, conn: &mut S::Conn, table: &EventTable) -> Result<()> {
        self.hit(Operation::CreateTable, self.inner().create_event_table(conn, table)).await
    }

    async fn create_cursor_table(&self, conn: &mut S::Conn, table: &CursorTable) -> Result<()> {
        self.hit(Operation::CreateTable, self.inner().create_cursor_table(conn, table)).await
    }

    async fn create_error_table(&self, conn: &mut S::Conn, table: &ErrorTable) -> Result<()> {
        self.hit(Operation::CreateTable, self.inner().create_error_table(conn, table)).await
    }

    async fn inspect_event_table(&self, conn: &mut S::Conn, table: &EventTable) -> Result<()> {
        self.hit(Operation::InspectTable, self.inner().inspect_event_table(conn, table)).await
    }

    async fn inspect_cursor_table(&self, conn: &mut S::Conn, table: &CursorTable) -> Result<()> {
        self.hit(Operation::InspectTable, self.inner().inspect_cursor_table(conn, table)).await
    }

    async fn inspect_error_table(&self, conn: &mut S::Conn, table: &ErrorTable) -> Result<()> {
        self.hit(Operation::InspectTable, self.inner().inspect_error_table(conn, table)).await
    }

    async fn append_events(
        &self,
        conn: &mut S::Conn,
        table: &EventTable,
        events: &[NewEvent],
    ) -> Result<Vec<Position>> {
        self.hit(Operation::AppendEvents, self.inner().append_events(conn, table, events)).await
    }

    async fn table_events(
        &self,
        conn: &mut S::Conn,
        table: &EventTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        self.hit(Operation::TableEvents, self.inner().table_events(conn, table, query)).await
    }

    async fn table_holders(&self, conn: &mut S::Conn, table: &EventTable) -> Result<Vec<LogHolder>> {
        self.hit(Operation::TableHolders, self.inner().table_holders(conn, table)).await
    }

    async fn fill_gap(&self, conn: &mut S::Conn, table: &EventTable, gap: Gap, now: Timestamp) -> Result<u64> {
        self.hit(Operation::FillGap, self.inner().fill_gap(conn, table, gap, now)).await
    }

    async fn table_trimmed(&self, conn: &mut S::Conn, table: &EventTable) -> Result<Position> {
        self.hit(Operation::TableTrimmed, self.inner().table_trimmed(conn, table)).await
    }

    async fn trim_table(&self, conn: &mut S::Conn, table: &EventTable, up_to: Position, limit: u32) -> Result<Trimmed> {
        self.hit(Operation::TrimTable, self.inner().trim_table(conn, table, up_to, limit)).await
    }

    async fn table_cursor(&self, conn: &mut S::Conn, table: &CursorTable, consumer: &str) -> Result<Option<Position>> {
        self.hit(Operation::TableCursor, self.inner().table_cursor(conn, table, consumer)).await
    }

    async fn move_table_cursor(
        &self,
        conn: &mut S::Conn,
        table: &CursorTable,
        consumer: &str,
        to: Position,
        now: Timestamp,
    ) -> Result<CursorMove> {
        self.hit(Operation::MoveTableCursor, self.inner().move_table_cursor(conn, table, consumer, to, now)).await
    }
}
