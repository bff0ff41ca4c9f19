use std::time::Duration;

use delta_core::{Error, ErrorKind, Gap, Gaps, LogHolder, Position, Result};

use super::driver::MysqlDriver;
use super::holders::{Held, Looks, OPERATION};
use super::query::Query;
use super::rows::{Fields, field};
use super::table_cache::EventLog;
use super::tables::{Tables, end, first};
use super::text::event_table::MARKS;
use super::trim::{mark_name, trimmed};

/// How far a table of events may be read.
///
/// # Why nothing is skipped
///
/// A table that is read past its gaps has a table of marks beside it: few rows, whose number never changes. Before a row is
/// given its id, whoever inserts it, a trigger takes a shared lock of one of them, chosen by the clock, and the transaction keeps
/// it until it ends. Each mark has a position, which is raised only by who has the mark's exclusive lock, and only to an id
/// that was there before that lock was had. A reader reads the last committed id p, then sees, in one statement that waits for
/// nobody, which marks it can lock, and may read up to the lowest of: p, and the positions of the marks that it could not lock.
///
/// Take an event of id e up to there, and the transaction T that inserts it, with a share of the mark k, had before e was given
/// out. Say T has not ended when the reader looks at k. Then k is not free, so e is at most its position q. That is an id that
/// was there before somebody had the exclusive lock of k, which T excludes for as long as it runs: so that was before T had
/// its share, and hence before e was given out. As ids are given out in ascending order, e is above q: a contradiction. So T
/// had ended, and what it committed is seen by every later statement; no event up to there can still appear, which is S7.
///
/// The clock has no part in that. It only takes care that each mark is wanted for one second of many, so that it comes to be
/// free even where there is always some transaction that appends.
///
/// Delta's own log does it with marks that follow each other (see its docs), which hold readers back a little less. They have
/// to be looked up by the highest, and plain SQL cannot be told to do so: at the default isolation that looks into an old
/// snapshot, or locks the gap behind the last mark, and no reader could make another.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableHorizon {
    /// The last position that is committed, or was.
    pub(super) end: i64,
    pub(super) readable: i64,
    /// The last position that was trimmed.
    pub(super) trimmed: i64,
    /// What readers of a table stop at whose gaps are waited for.
    pub(super) gap: Option<Gap>,
}

/// How long marks are left as they are, in microseconds.
const FRESH: i64 = 1_000_000;

/// How many ids are looked at for a gap: at first, for there may be one at once; and then.
const FEW: i64 = 100;
const MANY: i64 = 10_000;

struct State {
    end: i64,
    lowest: i64,
    /// How long ago a mark was raised last, of that for which it is longest.
    age: i64,
    trimmed: i64,
}

struct Mark {
    slot: i64,
    position: i64,
    age: i64,
    /// Whether who appends takes it now.
    current: bool,
}

impl<D: MysqlDriver> Tables<D> {
    /// How far a table may be read now. Goes as far as it can, but in a caller's transaction.
    pub(super) async fn table_horizon(
        &self,
        conn: &mut D::Conn,
        log: &EventLog,
        operation: &'static str,
    ) -> Result<TableHorizon> {
        let callers = self.driver().is_in_transaction(conn);
        if callers {
            self.check_isolation(conn, operation).await?;
        }
        let state = self.table_state(conn, log, operation).await?;
        let known = log.memory.readable(state.end).max(state.trimmed);
        if log.table.gap_rule() == Gaps::Waited {
            return self.contiguous(conn, log, state, known, operation).await;
        }
        let mut readable = known.max(state.lowest);
        if !callers && readable < state.end {
            readable = readable.max(self.lowest_held(conn, log, state.end, operation).await?);
            if state.age >= FRESH {
                self.raise_marks(conn, log, state.end, operation).await?;
            }
        }
        log.memory.raise(readable);
        Ok(TableHorizon { end: state.end.max(readable), readable, trimmed: state.trimmed, gap: None })
    }

    async fn table_state(&self, conn: &mut D::Conn, log: &EventLog, operation: &'static str) -> Result<State> {
        let query = Query::new(&log.sql.state).bind(mark_name(&log.log));
        let rows = self.fetch(conn, query, operation).await?;
        let mut fields = Fields::new(first(&rows, operation)?, operation);
        let (read_only, end): (i64, Option<i64>) = (fields.take()?, fields.take()?);
        let (lowest, marks): (Option<i64>, Option<i64>) = (fields.take()?, fields.take()?);
        let age: Option<i64> = fields.take()?;
        let trimmed = trimmed(fields.take()?, operation)?;
        let passed = log.table.gap_rule() == Gaps::Passed;
        if passed && read_only != 0 {
            let what =
                "expected a server that takes writes, found one that only reads, which does not know who appends";
            return Err(Error::new(ErrorKind::Unavailable, operation, what));
        }
        if passed && marks != Some(MARKS) {
            let found = marks.unwrap_or(0);
            let what = format!("expected {MARKS} marks beside the table {}, found {found}", log.table.name());
            return Err(Error::new(ErrorKind::Unsupported, operation, what));
        }
        let end = end.unwrap_or(0).max(trimmed);
        Ok(State { end, lowest: lowest.unwrap_or(0), age: age.unwrap_or(0), trimmed })
    }

    /// How far all may be read that was committed up to `end`.
    async fn lowest_held(&self, conn: &mut D::Conn, log: &EventLog, end: i64, operation: &'static str) -> Result<i64> {
        let held = self.held_marks(conn, log, operation).await?;
        Ok(held.iter().map(|mark| mark.position).min().unwrap_or(end).min(end))
    }

    /// The marks that somebody has a share of.
    async fn held_marks(&self, conn: &mut D::Conn, log: &EventLog, operation: &'static str) -> Result<Vec<Mark>> {
        let free = self.free_marks(conn, log, operation).await?;
        if i64::try_from(free.len()) == Ok(MARKS) {
            return Ok(Vec::new());
        }
        let rows = self.fetch(conn, Query::new(&log.sql.marks), operation).await?;
        let mark = |row: &D::Row| {
            let mut fields = Fields::new(row, operation);
            let (slot, position, age) = (fields.take()?, fields.take()?, fields.take()?);
            Ok(Mark { slot, position, age, current: fields.flag()? })
        };
        let marks = rows.iter().map(mark).collect::<Result<Vec<_>>>()?;
        Ok(marks.into_iter().filter(|mark| !free.contains(&mark.slot)).collect())
    }

    async fn free_marks(&self, conn: &mut D::Conn, log: &EventLog, operation: &'static str) -> Result<Vec<i64>> {
        let rows = self.fetch(conn, Query::new(&log.sql.free), operation).await?;
        rows.iter().map(|row| field(row, 0, operation)).collect()
    }

    /// Raises the marks that nobody has a share of, so that who takes one holds back nothing that was there long before.
    async fn raise_marks(&self, conn: &mut D::Conn, log: &EventLog, to: i64, operation: &'static str) -> Result<()> {
        let mut unit = self.unit(conn, operation).await?;
        let done = self.raise_free(unit.conn(), log, to, operation).await;
        end(unit, done, operation).await
    }

    async fn raise_free(&self, conn: &mut D::Conn, log: &EventLog, to: i64, operation: &'static str) -> Result<()> {
        let free = self.free_marks(conn, log, operation).await?;
        let list = free.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        if list.is_empty() {
            return Ok(());
        }
        self.write(conn, Query::new(&log.sql.raise).bind(to).bind(list), operation).await
    }

    /// How far ids follow each other, from where they are known to.
    async fn contiguous(
        &self,
        conn: &mut D::Conn,
        log: &EventLog,
        state: State,
        known: i64,
        operation: &'static str,
    ) -> Result<TableHorizon> {
        let (mut readable, mut trimmed, mut end, mut limit) = (known, state.trimmed, state.end, FEW);
        let gap = 'read: loop {
            let query = Query::new(&log.sql.ids).bind(readable).bind(limit);
            let rows = self.fetch(conn, query, operation).await?;
            for row in &rows {
                let id: i64 = field(row, 0, operation)?;
                end = end.max(id);
                if id == readable + 1 {
                    readable = id;
                    continue;
                }
                // What is missing may have been trimmed meanwhile.
                trimmed = self.trimmed_of(conn, &log.log).await?.get();
                if trimmed > readable {
                    readable = trimmed;
                    continue 'read;
                }
                break 'read Some(Gap { after: Position::new(readable), before: Position::new(id) });
            }
            if i64::try_from(rows.len()) != Ok(limit) {
                break None;
            }
            limit = MANY;
        };
        log.memory.raise(readable);
        Ok(TableHorizon { end: end.max(readable), readable, trimmed, gap })
    }

    /// Tells who holds readers of a table back.
    pub(super) async fn holders_of(&self, conn: &mut D::Conn, log: &EventLog) -> Result<Vec<LogHolder>> {
        if self.driver().is_in_transaction(conn) {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        }
        if log.table.gap_rule() == Gaps::Waited {
            return Ok(Vec::new());
        }
        let held = self.held_marks(conn, log, OPERATION).await?;
        let held = held.into_iter().map(|mark| Held {
            key: mark.slot,
            after: mark.position,
            since: Duration::from_micros(u64::try_from(mark.age).unwrap_or(0)),
            looks: if mark.current { Looks::One } else { Looks::Several },
        });
        self.name_holders(conn, &log.sql.wait, held.collect()).await
    }
}
