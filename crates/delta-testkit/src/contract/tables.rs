//! What the cases of applications' tables start from.

use std::future::Future;

use delta_core::{
    CursorTable, ErrorKind, ErrorTable, EventTable, EventTables, ForeignId, Gap, LogPage, NewEvent, Noops, Position,
    Result, Store, TableEvent, TableFilter, TableQuery, Timestamp, Trimmed,
};

use super::fixture::{Executed, Fixture, Keep};
use super::kit::{Kit, before_another_look, skipped, soon};
use super::rows::at;

pub(crate) type Conn<F> = <<F as Fixture>::Store as Store>::Conn;

/// A table whose columns have names that no database minds.
pub(crate) fn plain(name: &str) -> EventTable {
    EventTable::new(name).foreign_id_column("about").type_column("happened").time_column("at_time")
}

/// The same with columns for all there is.
pub(crate) fn full(name: &str) -> EventTable {
    plain(name).metadata_column("meta").trace_column("trace_parent")
}

/// An event about something, of the kind 1.
pub(crate) fn new(about: impl Into<ForeignId>) -> NewEvent {
    NewEvent::new(about, 1, at(1))
}

/// Events about what is named.
pub(crate) fn news<const N: usize>(about: [&str; N]) -> Vec<NewEvent> {
    about.into_iter().map(new).collect()
}

/// The foreign ids of events, in their order.
pub(crate) fn about(events: &[TableEvent]) -> Vec<String> {
    events.iter().map(|event| event.foreign_id.to_string()).collect()
}

pub(crate) fn positions(events: &[TableEvent]) -> Vec<Position> {
    events.iter().map(|event| event.position).collect()
}

pub(crate) fn position(position: i64) -> Position {
    Position::new(position)
}

/// The error of a call that must fail so.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind) -> String {
    match result {
        Ok(done) => panic!("expected {kind}, found {done:?}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error}");
            error.to_string()
        }
    }
}

impl<F: Fixture<Store: EventTables>> Kit<F> {
    /// Makes an event table.
    pub(crate) async fn create(&self, table: &EventTable) {
        let mut conn = self.writer().await;
        self.store().create_event_table(&mut conn, table).await.expect("an event table");
    }

    pub(crate) async fn create_cursors(&self, table: &CursorTable) {
        let mut conn = self.writer().await;
        self.store().create_cursor_table(&mut conn, table).await.expect("a cursor table");
    }

    pub(crate) async fn create_errors(&self, table: &ErrorTable) {
        let mut conn = self.writer().await;
        self.store().create_error_table(&mut conn, table).await.expect("an error table");
    }

    pub(crate) async fn inspect(&self, table: &EventTable) -> Result<()> {
        let mut conn = self.reader().await;
        self.store().inspect_event_table(&mut conn, table).await
    }

    pub(crate) async fn inspect_cursors(&self, table: &CursorTable) -> Result<()> {
        let mut conn = self.reader().await;
        self.store().inspect_cursor_table(&mut conn, table).await
    }

    pub(crate) async fn inspect_errors(&self, table: &ErrorTable) -> Result<()> {
        let mut conn = self.reader().await;
        self.store().inspect_error_table(&mut conn, table).await
    }

    pub(crate) async fn try_append(&self, table: &EventTable, events: &[NewEvent]) -> Result<Vec<Position>> {
        let mut conn = self.writer().await;
        self.store().append_events(&mut conn, table, events).await
    }

    pub(crate) async fn append(&self, table: &EventTable, events: &[NewEvent]) -> Vec<Position> {
        self.try_append(table, events).await.expect("an append")
    }

    pub(crate) async fn append_in(&self, tx: &mut F::Tx, table: &EventTable, events: &[NewEvent]) -> Vec<Position> {
        self.store().append_events(tx, table, events).await.expect("an append in a transaction")
    }

    pub(crate) async fn try_read(
        &self,
        table: &EventTable,
        after: Position,
        limit: u32,
    ) -> Result<LogPage<TableEvent>> {
        let mut conn = self.reader().await;
        let query = TableQuery { after, limit, filter: TableFilter::default() };
        self.store().table_events(&mut conn, table, &query).await
    }

    /// A page, as far as it may be read now.
    pub(crate) async fn read_after(&self, table: &EventTable, after: Position, limit: u32) -> LogPage<TableEvent> {
        self.try_read(table, after, limit).await.expect("a page")
    }

    /// All that may be read now.
    pub(crate) async fn read_all(&self, table: &EventTable) -> Vec<TableEvent> {
        self.read_that(table, TableFilter::default()).await
    }

    pub(crate) async fn read_that(&self, table: &EventTable, filter: TableFilter) -> Vec<TableEvent> {
        let (mut after, mut events) = (Position::START, Vec::new());
        loop {
            let mut conn = self.reader().await;
            let query = TableQuery { after, limit: 1_000, filter: filter.clone() };
            let page = self.store().table_events(&mut conn, table, &query).await.expect("a page");
            events.extend(page.events);
            if page.next >= page.head || page.gap.is_some_and(|gap| gap.after <= page.next) {
                return events;
            }
            assert!(page.next > after, "a page that is not the last moves on from {after}");
            after = page.next;
        }
    }

    /// Reads until there are so many.
    pub(crate) async fn read_until(&self, table: &EventTable, count: usize) -> Vec<TableEvent> {
        self.eventually("so many events", async || {
            let found = self.read_all(table).await;
            (found.len() >= count).then_some(found)
        })
        .await
    }

    pub(crate) async fn fill(&self, table: &EventTable, gap: Gap, now: Timestamp) -> u64 {
        let mut conn = self.writer().await;
        self.store().fill_gap(&mut conn, table, gap, now).await.expect("a filled gap")
    }

    pub(crate) async fn try_trim_table(&self, table: &EventTable, up_to: Position, limit: u32) -> Result<Trimmed> {
        let mut conn = self.writer().await;
        self.store().trim_table(&mut conn, table, up_to, limit).await
    }

    pub(crate) async fn trim_table(&self, table: &EventTable, up_to: Position, limit: u32) -> Trimmed {
        self.try_trim_table(table, up_to, limit).await.expect("a trim")
    }

    /// Waits for something to be there.
    pub(crate) async fn eventually<T, R: Future<Output = Option<T>>>(
        &self,
        what: &str,
        mut look: impl FnMut() -> R,
    ) -> T {
        let found = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                before_another_look().await;
            }
        };
        soon(what, found).await
    }

    /// Runs plain SQL on a connection; false if the store has none.
    pub(crate) async fn sql_on(&self, conn: &mut Conn<F>, statements: &str) -> bool {
        self.fixture().execute(conn, statements).await.expect("plain SQL") == Executed::Done
    }

    /// Runs plain SQL in a transaction of its own; false, and a note that the case is skipped, if the store has none.
    pub(crate) async fn sql(&self, statements: &str) -> bool {
        let ran = self.try_sql(statements).await;
        if !ran {
            skipped("the store has no SQL");
        }
        ran
    }

    pub(crate) async fn try_sql(&self, statements: &str) -> bool {
        let mut conn = self.writer().await;
        self.sql_on(&mut conn, statements).await
    }

    /// A row of plain SQL: a copy of the one of an id.
    pub(crate) fn copy_of(table: &EventTable, id: Position) -> String {
        let name = table.name();
        format!(
            "INSERT INTO {name} (about, happened, at_time) SELECT about, happened, at_time FROM {name} WHERE id = {id}"
        )
    }

    /// Makes a gap in a table of [`Gaps::Waited`](delta_core::Gaps::Waited): appends these, of which those that begin with a
    /// dash are not there in the end. Returns the positions of all.
    pub(crate) async fn append_with_gaps(&self, table: &EventTable, events: &[&str]) -> Vec<Position> {
        let mut positions = Vec::new();
        let mut gone = Vec::new();
        for event in events {
            let is_gone = event.starts_with('-');
            if is_gone && self.has_many_writers() {
                let mut tx = self.begin().await;
                positions.extend(self.append_in(&mut tx, table, &[new(*event)]).await);
                self.end(tx, Keep::Rollback).await;
                continue;
            }
            let position = self.append(table, &[new(*event)]).await[0];
            positions.push(position);
            if is_gone {
                gone.push(position);
            }
        }
        for position in gone {
            // With one writer, a rollback may give the id out again.
            let ran = self.try_sql(&format!("DELETE FROM {} WHERE id = {position}", table.name())).await;
            assert!(ran, "a store with one writer has SQL, or makes no gaps");
        }
        positions
    }

    /// The table as one whose noop events are shown.
    pub(crate) fn showing(table: &EventTable) -> EventTable {
        table.clone().noops(Noops::Shown)
    }
}
