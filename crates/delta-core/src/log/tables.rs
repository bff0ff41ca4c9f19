use std::future::Future;

use crate::browse::LogHolder;
use crate::error::Result;
use crate::event::Position;
use crate::log::{
    CursorMove, CursorTable, ErrorTable, EventTable, Gap, LogPage, LogStore, NewEvent, TableEvent, TableQuery, Trimmed,
};
use crate::timestamp::Timestamp;

#[doc = include_str!("../docs/event_tables.md")]
pub trait EventTables: LogStore {
    /// The statements that make an event table, to be put into the application's own migrations: T1.
    fn event_table_sql(&self, table: &EventTable) -> Result<String>;

    /// The statements that make a cursor table: T1.
    fn cursor_table_sql(&self, table: &CursorTable) -> Result<String>;

    /// The statements that make an error table: T1.
    fn error_table_sql(&self, table: &ErrorTable) -> Result<String>;

    /// Makes an event table, with what keeps its readers in order, unless it is there: T1.
    fn create_event_table(&self, conn: &mut Self::Conn, table: &EventTable) -> impl Future<Output = Result<()>> + Send;

    /// Makes a cursor table, unless it is there: T1.
    fn create_cursor_table(
        &self,
        conn: &mut Self::Conn,
        table: &CursorTable,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes an error table, unless it is there: T1.
    fn create_error_table(&self, conn: &mut Self::Conn, table: &ErrorTable) -> impl Future<Output = Result<()>> + Send;

    /// Checks that a live table has the columns, types and keys that it needs: T2.
    fn inspect_event_table(&self, conn: &mut Self::Conn, table: &EventTable)
    -> impl Future<Output = Result<()>> + Send;

    /// Checks that a live table has the columns, types and keys that it needs: T2.
    fn inspect_cursor_table(
        &self,
        conn: &mut Self::Conn,
        table: &CursorTable,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Checks that a live table has the columns, types and keys that it needs: T2.
    fn inspect_error_table(&self, conn: &mut Self::Conn, table: &ErrorTable)
    -> impl Future<Output = Result<()>> + Send;

    /// Appends events, in their order, in the caller's transaction or in one of its own: T3. Returns their positions.
    fn append_events(
        &self,
        conn: &mut Self::Conn,
        table: &EventTable,
        events: &[NewEvent],
    ) -> impl Future<Output = Result<Vec<Position>>> + Send;

    /// Reads an application's log: T4.
    fn table_events(
        &self,
        conn: &mut Self::Conn,
        table: &EventTable,
        query: &TableQuery,
    ) -> impl Future<Output = Result<LogPage<TableEvent>>> + Send;

    /// Names the transactions that hold a table's readers back, the oldest first: T4.
    fn table_holders(
        &self,
        conn: &mut Self::Conn,
        table: &EventTable,
    ) -> impl Future<Output = Result<Vec<LogHolder>>> + Send;

    /// Fills a gap with noop events, where no open transaction has its ids: T5. Returns how many.
    fn fill_gap(
        &self,
        conn: &mut Self::Conn,
        table: &EventTable,
        gap: Gap,
        now: Timestamp,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// The last position of a table that was trimmed: T6.
    fn table_trimmed(&self, conn: &mut Self::Conn, table: &EventTable)
    -> impl Future<Output = Result<Position>> + Send;

    /// Removes events up to a position, at most so many, the oldest first: T6.
    fn trim_table(
        &self,
        conn: &mut Self::Conn,
        table: &EventTable,
        up_to: Position,
        limit: u32,
    ) -> impl Future<Output = Result<Trimmed>> + Send;

    /// Where a consumer stands in a cursor table: T7.
    fn table_cursor(
        &self,
        conn: &mut Self::Conn,
        table: &CursorTable,
        consumer: &str,
    ) -> impl Future<Output = Result<Option<Position>>> + Send;

    /// Moves a consumer in a cursor table forwards: T7.
    fn move_table_cursor(
        &self,
        conn: &mut Self::Conn,
        table: &CursorTable,
        consumer: &str,
        to: Position,
        now: Timestamp,
    ) -> impl Future<Output = Result<CursorMove>> + Send;
}
