use std::collections::{BTreeMap, BTreeSet};

use delta_core::{
    Access, CursorMove, CursorTable, ErrorTable, EventTable, EventTables, ForeignId, ForeignIdType, Gap, LogEvent,
    LogHolder, LogPage, NewEvent, Noops, Position, Result, TableEvent, TableQuery, Timestamp, Trimmed,
};

use crate::apply::Step;
use crate::conn::MemoryConn;
use crate::database::Database;
use crate::lock::Lock;
use crate::log::{Log, Reading};
use crate::store::MemoryStore;
use crate::table::{Content, Shape};
use crate::tables::readable;
use crate::trim;
use crate::view::View;
use crate::workspace::Workspace;

/// How many ids of a gap one call fills; readers then find the rest.
const FILLED_AT_ONCE: usize = 1_000;

impl EventTables for MemoryStore {
    fn event_table_sql(&self, table: &EventTable) -> Result<String> {
        table.check()?;
        Ok(nothing_to_run(table.name()))
    }

    fn cursor_table_sql(&self, table: &CursorTable) -> Result<String> {
        table.check()?;
        Ok(nothing_to_run(table.name()))
    }

    fn error_table_sql(&self, table: &ErrorTable) -> Result<String> {
        table.check()?;
        Ok(nothing_to_run(table.name()))
    }

    async fn create_event_table(&self, conn: &mut MemoryConn, table: &EventTable) -> Result<()> {
        table.check()?;
        self.create(conn, table.name(), Shape::of_events(table), Content::Events(Log::default()))
    }

    async fn create_cursor_table(&self, conn: &mut MemoryConn, table: &CursorTable) -> Result<()> {
        table.check()?;
        self.create(conn, table.name(), Shape::of_cursors(table), Content::Cursors(BTreeMap::new()))
    }

    async fn create_error_table(&self, conn: &mut MemoryConn, table: &ErrorTable) -> Result<()> {
        table.check()?;
        let content = Content::Errors { letters: BTreeMap::new(), last_id: 0 };
        self.create(conn, table.name(), Shape::of_errors(table), content)
    }

    async fn inspect_event_table(&self, conn: &mut MemoryConn, table: &EventTable) -> Result<()> {
        table.check()?;
        self.own(conn)?.read("inspect", |view| view.tables().events(table).map(drop))?
    }

    async fn inspect_cursor_table(&self, conn: &mut MemoryConn, table: &CursorTable) -> Result<()> {
        table.check()?;
        self.own(conn)?.read("inspect", |view| view.tables().cursors(table).map(drop))?
    }

    async fn inspect_error_table(&self, conn: &mut MemoryConn, table: &ErrorTable) -> Result<()> {
        table.check()?;
        self.own(conn)?.read("inspect", |view| view.tables().letters(table).map(drop))?
    }

    async fn append_events(
        &self,
        conn: &mut MemoryConn,
        table: &EventTable,
        events: &[NewEvent],
    ) -> Result<Vec<Position>> {
        let conn = self.own(conn)?;
        conn.usable("append events", Access::Write)?;
        table.check()?;
        table.check_events(events)?;
        self.write(conn, |db, work| Step::Done(append(db, work, table, events))).await?
    }

    async fn table_events(
        &self,
        conn: &mut MemoryConn,
        table: &EventTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        table.check()?;
        self.own(conn)?.read("table events", |view| read(view, table, query))?
    }

    async fn table_holders(&self, conn: &mut MemoryConn, table: &EventTable) -> Result<Vec<LogHolder>> {
        table.check()?;
        let conn = self.own(conn)?;
        let now = conn.shared.now();
        conn.read("table holders", |view| Ok(view.tables().events(table)?.holders(now)))?
    }

    async fn fill_gap(&self, conn: &mut MemoryConn, table: &EventTable, gap: Gap, now: Timestamp) -> Result<u64> {
        let conn = self.own(conn)?;
        conn.usable("fill a gap", Access::Write)?;
        table.check()?;
        self.write(conn, |db, work| Step::Done(fill(db, work, table, gap, now))).await?
    }

    async fn table_trimmed(&self, conn: &mut MemoryConn, table: &EventTable) -> Result<Position> {
        table.check()?;
        self.own(conn)?.read("trimmed", |view| {
            view.tables().events(table)?;
            trim::mark(view, &table.log_name())
        })?
    }

    async fn trim_table(
        &self,
        conn: &mut MemoryConn,
        table: &EventTable,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        let conn = self.own(conn)?;
        conn.usable("trim", Access::Write)?;
        table.check()?;
        let name = table.log_name();
        self.write(conn, |db, work| {
            let from = match trim::mark(View::new(db, Some(work)), &name) {
                Ok(mark) => mark,
                Err(error) => return Step::Done(Err(error)),
            };
            trim::trim(
                db,
                work,
                &name,
                |db| {
                    let log = db.tables.events(table)?;
                    Ok((log, readable(log, table, from).0))
                },
                up_to,
                limit,
            )
        })
        .await?
    }

    async fn table_cursor(
        &self,
        conn: &mut MemoryConn,
        table: &CursorTable,
        consumer: &str,
    ) -> Result<Option<Position>> {
        table.check()?;
        self.own(conn)?.read("table cursor", |view| view.table_cursor(table, consumer))?
    }

    async fn move_table_cursor(
        &self,
        conn: &mut MemoryConn,
        table: &CursorTable,
        consumer: &str,
        to: Position,
        _now: Timestamp,
    ) -> Result<CursorMove> {
        let conn = self.own(conn)?;
        conn.usable("move a cursor", Access::Write)?;
        table.check()?;
        self.write(conn, |db, work| move_cursor(db, work, table, consumer, to)).await?
    }
}

impl MemoryStore {
    fn create(&self, conn: &mut MemoryConn, name: &str, shape: Shape, content: Content) -> Result<()> {
        let conn = self.own(conn)?;
        conn.usable("create a table", Access::Write)?;
        conn.shared.database().tables.create(name, shape, content);
        Ok(())
    }
}

fn nothing_to_run(name: &str) -> String {
    format!("-- Nothing to run: {name} is made in memory, by creating it through the store.\n")
}

fn append(db: &mut Database, work: &mut Workspace, table: &EventTable, events: &[NewEvent]) -> Result<Vec<Position>> {
    let log = db.tables.events_mut(table)?;
    let appended = work.table_events.entry(table.name().to_owned()).or_default();
    let first = appended.len();
    for event in events {
        let position = log.give_out(work.tx, work.since);
        let NewEvent { foreign_id, kind, at, metadata, trace } = event.clone();
        appended.push(TableEvent { position, foreign_id, kind, at, metadata, trace }.of(table));
    }
    Ok(appended[first..].iter().map(|event| event.position).collect())
}

/// What a table has columns for.
trait Columns {
    fn of(self, table: &EventTable) -> Self;
}

impl Columns for TableEvent {
    fn of(self, table: &EventTable) -> Self {
        let metadata = self.metadata.filter(|_| table.columns().metadata.is_some());
        let trace = self.trace.filter(|_| table.columns().trace.is_some());
        Self { metadata, trace, ..self }
    }
}

fn read(view: View<'_>, table: &EventTable, query: &TableQuery) -> Result<LogPage<TableEvent>> {
    let (log, name) = (view.tables().events(table)?, table.log_name());
    trim::check_age(view, &name, query.after)?;
    let from = query.after.max(trim::mark(view, &name)?);
    let (head, gap) = readable(log, table, from);
    let reading = Reading { after: query.after, limit: query.limit, trimmed: view.trimmed(&name) };
    let shown = |event: &TableEvent| table.noop_rule() == Noops::Shown || !event.is_noop();
    let mut page = log.read(reading, head, |event| shown(event) && event.passes(&query.filter));
    page.gap = gap;
    page.events = page.events.into_iter().map(|event| event.of(table)).collect();
    Ok(page)
}

fn fill(db: &mut Database, work: &mut Workspace, table: &EventTable, gap: Gap, now: Timestamp) -> Result<u64> {
    let mark = trim::mark(View::new(db, Some(work)), &table.log_name())?;
    let log = db.tables.events_mut(table)?;
    let after = gap.after.max(mark).get();
    let before = gap.before.get().min(log.last().get().saturating_add(1));
    let foreign_id = match table.foreign_id_type() {
        ForeignIdType::Text => ForeignId::from("0"),
        ForeignIdType::Int => ForeignId::from(0),
    };
    let missing = |position: &Position| !log.has(*position) && !log.is_held(*position);
    let ids: Vec<Position> = (after + 1..before).map(Position::new).filter(missing).take(FILLED_AT_ONCE).collect();
    let appended = work.table_events.entry(table.name().to_owned()).or_default();
    for position in &ids {
        log.hold(work.tx, work.since, *position);
        let foreign_id = foreign_id.clone();
        let noop = TableEvent { position: *position, foreign_id, kind: 0, at: now, metadata: None, trace: None };
        appended.push(noop);
    }
    Ok(ids.len() as u64)
}

fn move_cursor(
    db: &mut Database,
    work: &mut Workspace,
    table: &CursorTable,
    consumer: &str,
    to: Position,
) -> Step<Result<CursorMove>> {
    let lock = Lock::Entry { table: table.name().to_owned(), about: consumer.to_owned() };
    if let Some(holder) = db.locks.held_by_other(&lock, work.tx) {
        return Step::Blocked(BTreeSet::from([holder]));
    }
    match View::new(db, Some(work)).table_cursor(table, consumer) {
        Ok(Some(stored)) if stored > to => Step::Done(Ok(CursorMove::Behind(stored))),
        Ok(Some(stored)) if stored == to => Step::Done(Ok(CursorMove::Done)),
        Ok(_) => {
            db.locks.take(lock, work.tx);
            work.table_cursors.insert((table.name().to_owned(), consumer.to_owned()), to);
            Step::Done(Ok(CursorMove::Done))
        }
        Err(error) => Step::Done(Err(error)),
    }
}
