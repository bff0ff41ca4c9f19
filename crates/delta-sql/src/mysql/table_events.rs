use delta_core::{
    Error, ErrorKind, EventTable, ForeignId, ForeignIdType, Gaps, LogHolder, LogPage, NewEvent, Position, Result,
    TableEvent, TableQuery, Timestamp, Trace, Trimmed,
};

use super::commit::Whose;
use super::driver::{Executed, MysqlDriver};
use super::query::{Query, Value};
use super::rows::{Fields, field};
use super::table_cache::EventLog;
use super::tables::{BEGIN, CONFLICT_LIMIT, Tables, end};
use super::trim::{Trim, check_age, mark_name, trimmed};
use crate::driver::{Backoff, Need, Row, Unit};

const READ: &str = "table events";
const APPEND: &str = "append events";

impl<D: MysqlDriver> Tables<D> {
    /// Appends events to an application's table.
    pub async fn append_events(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        events: &[NewEvent],
    ) -> Result<Vec<Position>> {
        let log = self.event_log(table)?;
        table.check_events(events)?;
        let whose = if self.driver().is_in_transaction(conn) { Whose::Callers } else { Whose::Own };
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            // Of any isolation: nothing is read.
            let mut unit = Unit::open(self.driver(), conn, Need::Transaction, BEGIN, APPEND).await?;
            let done = self.append_in(unit.conn(), &log, events, whose).await;
            match end(unit, done, APPEND).await {
                Err(error) if whose == Whose::Own && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                done => return done,
            }
        }
    }

    async fn append_in(
        &self,
        conn: &mut D::Conn,
        log: &EventLog,
        events: &[NewEvent],
        whose: Whose,
    ) -> Result<Vec<Position>> {
        let mut positions = Vec::with_capacity(events.len());
        for (query, count) in log.sql.append.queries(events.iter().map(|event| values(&log.table, event)).collect()) {
            if self.execute(conn, query, APPEND).await? == Executed::Duplicate {
                let what = format!("expected events that no unique key of {} refuses, found one", log.table.name());
                return Err(Error::new(ErrorKind::Invalid, APPEND, what));
            }
            positions.extend(self.given_out(conn, count).await?.into_iter().map(Position::new));
        }
        let last = events.last().zip(positions.last()).filter(|_| log.table.gap_rule() == Gaps::Passed);
        if let Some((event, position)) = last
            && whose == Whose::Own
            && log.memory.turn(event.at)
        {
            self.raise_in(conn, log, position.get(), APPEND).await?;
        }
        Ok(positions)
    }

    /// Reads a page of an application's table.
    pub async fn table_events(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        let log = self.event_log(table)?;
        let horizon = self.table_horizon(conn, &log, READ).await?;
        check_age(&log.log, query.after, horizon.trimmed, READ)?;
        let head = Position::new(horizon.readable);
        let mut page = LogPage {
            events: Vec::new(),
            next: query.after.max(head),
            head,
            held_back: u64::try_from(horizon.end - horizon.readable).unwrap_or(0),
            gap: horizon.gap,
        };
        if query.after >= head || query.limit == 0 {
            return Ok(LogPage { next: query.after, ..page });
        }
        let kinds = query.filter.kinds.as_ref();
        let kinds = kinds.map(|kinds| kinds.iter().map(i64::to_string).collect::<Vec<_>>().join(","));
        let prefix = query.filter.foreign_id_prefix.as_ref().map(String::as_bytes);
        let bound = Query::new(&log.sql.page).bind(mark_name(&log.log)).bind(query.after.get()).bind(head.get());
        let bound = bound.bind(kinds.clone()).bind(kinds).bind(prefix).bind(prefix).bind(prefix);
        let rows = self.fetch(conn, bound.bind(i64::from(query.limit)), READ).await?;
        // What a trim removes between the statements is told by the second one.
        let mark = match rows.first() {
            Some(row) => trimmed(field(row, 6, READ)?, READ)?,
            None => self.trimmed_of(conn, &log.log).await?.get(),
        };
        check_age(&log.log, query.after, mark, READ)?;
        page.events = rows.iter().map(|row| read(row, table)).collect::<Result<_>>()?;
        if page.events.len() >= usize::try_from(query.limit).unwrap_or(usize::MAX) {
            page.next = page.events.last().map_or(query.after, |last| last.position);
        }
        Ok(page)
    }

    /// Tells who holds readers of an application's table back.
    pub async fn table_holders(&self, conn: &mut D::Conn, table: &EventTable) -> Result<Vec<LogHolder>> {
        let log = self.event_log(table)?;
        self.holders_of(conn, &log).await
    }

    /// How far an application's table was trimmed.
    pub async fn table_trimmed(&self, conn: &mut D::Conn, table: &EventTable) -> Result<Position> {
        let log = self.event_log(table)?;
        self.trimmed_of(conn, &log.log).await
    }

    /// Trims an application's table.
    pub async fn trim_table(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        let log = self.event_log(table)?;
        let mut head = self.table_horizon(conn, &log, "trim").await?.readable;
        if up_to.get() > head && self.driver().is_in_transaction(conn) {
            let mut aside = self.driver().aside("trim").await?;
            head = self.table_horizon(&mut aside, &log, "trim").await?.readable;
        }
        let (look, delete) = (&log.sql.trim_look, &log.sql.trim_delete);
        self.trim_log(conn, &Trim { log: &log.log, head, look, delete, up_to, limit }).await
    }
}

/// An event in the columns that its table has.
fn values<'q>(table: &EventTable, event: &'q NewEvent) -> Vec<Value<'q>> {
    let mut row = vec![foreign_id(&event.foreign_id), event.kind.into(), event.at.into()];
    if table.columns().metadata.is_some() {
        row.push(event.metadata.as_deref().into());
    }
    if table.columns().trace.is_some() {
        row.push(event.trace.as_ref().map(Trace::as_str).into());
    }
    row
}

fn foreign_id(id: &ForeignId) -> Value<'_> {
    match id {
        ForeignId::Int(id) => (*id).into(),
        ForeignId::Text(id) => id.as_bytes().into(),
    }
}

fn read<R: Row>(row: &R, table: &EventTable) -> Result<TableEvent> {
    let mut fields = Fields::new(row, READ);
    Ok(TableEvent {
        position: Position::new(fields.take()?),
        foreign_id: match table.foreign_id_type() {
            ForeignIdType::Int => ForeignId::Int(fields.take()?),
            ForeignIdType::Text => ForeignId::Text(fields.take()?),
        },
        kind: fields.take()?,
        at: Timestamp::from_micros(fields.take()?),
        metadata: fields.take::<Option<&[u8]>>()?.map(<[u8]>::to_vec),
        trace: fields.take::<Option<String>>()?.map(Trace::from_stored),
    })
}
