use delta_core::{
    CursorMove, CursorTable, ErrorTable, EventTable, EventTables, Gap, LogHolder, LogPage, NewEvent, Position, Result,
    TableEvent, TableQuery, Timestamp, Trimmed,
};
use delta_sql::sqlite::{cursor_table, error_table, event_table};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::store::{Inner, SqliteStore};
use super::transaction::whole;
use super::{inspect, table_cursors, table_events, trim};

impl EventTables for SqliteStore {
    fn event_table_sql(&self, table: &EventTable) -> Result<String> {
        table.check()?;
        Ok(event_table::create(table))
    }

    fn cursor_table_sql(&self, table: &CursorTable) -> Result<String> {
        table.check()?;
        Ok(cursor_table::create(table))
    }

    fn error_table_sql(&self, table: &ErrorTable) -> Result<String> {
        table.check()?;
        Ok(error_table::create(table))
    }

    async fn create_event_table(&self, conn: &mut SqliteConnection, table: &EventTable) -> Result<()> {
        create(&self.inner, conn, self.event_table_sql(table)?).await
    }

    async fn create_cursor_table(&self, conn: &mut SqliteConnection, table: &CursorTable) -> Result<()> {
        create(&self.inner, conn, self.cursor_table_sql(table)?).await
    }

    async fn create_error_table(&self, conn: &mut SqliteConnection, table: &ErrorTable) -> Result<()> {
        create(&self.inner, conn, self.error_table_sql(table)?).await
    }

    async fn inspect_event_table(&self, conn: &mut SqliteConnection, table: &EventTable) -> Result<()> {
        inspect::events(&self.inner, conn, table).await
    }

    async fn inspect_cursor_table(&self, conn: &mut SqliteConnection, table: &CursorTable) -> Result<()> {
        inspect::cursors(&self.inner, conn, table).await
    }

    async fn inspect_error_table(&self, conn: &mut SqliteConnection, table: &ErrorTable) -> Result<()> {
        inspect::errors(&self.inner, conn, table).await
    }

    async fn append_events(
        &self,
        conn: &mut SqliteConnection,
        table: &EventTable,
        events: &[NewEvent],
    ) -> Result<Vec<Position>> {
        table_events::append(&self.inner, conn, table, events).await
    }

    async fn table_events(
        &self,
        conn: &mut SqliteConnection,
        table: &EventTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        table_events::read(&self.inner, conn, table, query).await
    }

    async fn table_holders(&self, _: &mut SqliteConnection, table: &EventTable) -> Result<Vec<LogHolder>> {
        table.check()?;
        Ok(Vec::new())
    }

    async fn fill_gap(&self, conn: &mut SqliteConnection, table: &EventTable, gap: Gap, now: Timestamp) -> Result<u64> {
        table_events::fill(&self.inner, conn, table, gap, now).await
    }

    async fn table_trimmed(&self, conn: &mut SqliteConnection, table: &EventTable) -> Result<Position> {
        table.check()?;
        trim::mark(&self.inner, conn, &table.log_name()).await
    }

    async fn trim_table(
        &self,
        conn: &mut SqliteConnection,
        table: &EventTable,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        table_events::trim_table(&self.inner, conn, table, up_to, limit).await
    }

    async fn table_cursor(
        &self,
        conn: &mut SqliteConnection,
        table: &CursorTable,
        consumer: &str,
    ) -> Result<Option<Position>> {
        table_cursors::get(conn, table, consumer).await
    }

    async fn move_table_cursor(
        &self,
        conn: &mut SqliteConnection,
        table: &CursorTable,
        consumer: &str,
        to: Position,
        now: Timestamp,
    ) -> Result<CursorMove> {
        table_cursors::go(&self.inner, conn, table, consumer, to, now).await
    }
}

async fn create(inner: &Inner, conn: &mut SqliteConnection, statements: String) -> Result<()> {
    const OPERATION: &str = "create a table";
    whole!(OPERATION, inner, conn => {
        let created = sqlx::raw_sql(AssertSqlSafe(statements.clone())).execute(conn).await;
        created.map(drop).map_err(|failed| error(OPERATION, failed))
    })
}
