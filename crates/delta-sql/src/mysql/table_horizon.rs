use std::collections::BTreeSet;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Gap, Gaps, LogHolder, Position, Result};

use super::driver::MysqlDriver;
use super::holders::{Held, OPERATION};
use super::json;
use super::query::Query;
use super::rows::{Fields, field};
use super::table_cache::EventLog;
use super::tables::{Tables, end, first};
use super::text::event_table::{MARKS, POINTERS};
use super::trim::{mark_name, trimmed};

/// How far a table of events may be read.
///
/// # Why nothing is skipped
///
/// A table that is read past its gaps has a table of marks beside it: rows whose number never changes. Before a row is given
/// its id, whoever inserts it, a trigger takes a shared lock of one of them, and the transaction keeps it until it ends. Each
/// mark has a position, which is raised only by who has the mark's exclusive lock, and only to an id that was given out by
/// then. A reader reads the last committed id p, then sees, in one statement that waits for nobody, which marks it can lock,
/// and may read up to the lowest of: p, and the positions of the marks that it could not lock.
///
/// Take an event of id e up to there, and the transaction T that inserts it, with a share of the mark k, had before e was given
/// out. Say T has not ended when the reader looks at k. Then k is not free, so e is at most its position q. That is an id that
/// was given out before somebody gave back the exclusive lock of k, which T excludes for as long as it has its share: so that
/// was before T had it, and hence before e was given out. As ids are given out in ascending order, e is above q: a
/// contradiction. So T had ended, and what it committed is seen by every later statement; no event up to there can still
/// appear, which is S7.
///
/// Which mark is taken does not matter for that. It is the one that other rows point at; a reader that is held back raises a
/// mark that is free and has them point there, so that who appends from then on holds back nothing that was there before.
/// Those rows are one for each second of some, and by turns locked by nobody even where looking at them takes a lock: as in
/// transactions of plain SQL at the default isolation, where MariaDB logs statements. And old snapshots only lead to
/// marks that were taken before.
///
/// Delta's own log has marks that come and go (see its docs). They are looked up by the highest, which plain SQL cannot be
/// told to do: it would look into an old snapshot, or lock the gap behind the last mark, where no reader could make another.
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

/// How long a mark that is free is left as it is, in microseconds.
const FRESH: i64 = 1_000_000;

/// How often to look which marks are free.
const ROUNDS: usize = 3;

/// How many ids are looked at for a gap: at first, for there may be one at once; and then.
const FEW: i64 = 100;
const MANY: i64 = 10_000;

struct State {
    end: i64,
    /// The lowest position of a mark.
    lowest: i64,
    /// The mark that is taken now.
    current: i64,
    /// Its position.
    position: i64,
    /// How long ago it was raised.
    age: i64,
    trimmed: i64,
}

struct Mark {
    slot: i64,
    position: i64,
    age: i64,
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
            let held = self.held_marks(conn, log, operation).await?;
            let lowest = held.iter().map(|mark| mark.position).min();
            readable = readable.max(lowest.unwrap_or(state.end).min(state.end));
            let behind = state.position < state.end;
            let is_held = held.iter().any(|mark| mark.slot == state.current);
            if behind && (is_held || state.age >= FRESH) {
                self.raise_mark(conn, log, state.end, operation).await?;
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
        let (lowest, rows): (Option<i64>, Option<i64>) = (fields.take()?, fields.take()?);
        let (current, position): (Option<i64>, Option<i64>) = (fields.take()?, fields.take()?);
        let age: Option<i64> = fields.take()?;
        let trimmed = trimmed(fields.take()?, operation)?;
        let passed = log.table.gap_rule() == Gaps::Passed;
        if passed && read_only != 0 {
            let what =
                "expected a server that takes writes, found one that only reads, which does not know who appends";
            return Err(Error::new(ErrorKind::Unavailable, operation, what));
        }
        if passed && (rows != Some(MARKS + POINTERS) || current.is_none()) {
            let what = format!("expected the marks of the table {}, found some missing", log.table.name());
            return Err(Error::new(ErrorKind::Unsupported, operation, what));
        }
        Ok(State {
            end: end.unwrap_or(0).max(trimmed),
            lowest: lowest.unwrap_or(0),
            current: current.unwrap_or(0),
            position: position.unwrap_or(0),
            age: age.unwrap_or(0),
            trimmed,
        })
    }

    /// The marks that somebody has a share of.
    ///
    /// Readers who look at the same time get into each other's way, for a moment. So they look again: a mark that was free
    /// once will do.
    async fn held_marks(&self, conn: &mut D::Conn, log: &EventLog, operation: &'static str) -> Result<Vec<Mark>> {
        let mut free = BTreeSet::new();
        for _ in 0..ROUNDS {
            free.extend(self.numbers(conn, Query::new(&log.sql.free), operation).await?);
            if i64::try_from(free.len()) == Ok(MARKS) {
                return Ok(Vec::new());
            }
        }
        let rows = self.fetch(conn, Query::new(&log.sql.marks), operation).await?;
        let mark = |row: &D::Row| {
            let mut fields = Fields::new(row, operation);
            Ok(Mark { slot: fields.take()?, position: fields.take()?, age: fields.take()? })
        };
        let marks = rows.iter().map(mark).collect::<Result<Vec<_>>>()?;
        Ok(marks.into_iter().filter(|mark| mark.slot >= 0 && !free.contains(&mark.slot)).collect())
    }

    /// The first column of an answer.
    async fn numbers(&self, conn: &mut D::Conn, query: Query<'_>, operation: &'static str) -> Result<Vec<i64>> {
        let rows = self.fetch(conn, query, operation).await?;
        rows.iter().map(|row| field(row, 0, operation)).collect()
    }

    /// Has who appends from now on hold back nothing up to an id that was given out.
    async fn raise_mark(&self, conn: &mut D::Conn, log: &EventLog, to: i64, operation: &'static str) -> Result<()> {
        let mut unit = self.unit(conn, operation).await?;
        let done = self.raise_in(unit.conn(), log, to, operation).await;
        end(unit, done, operation).await
    }

    /// The same, in a transaction that is there already and ends soon. Leaves all as it is if no mark is free.
    pub(super) async fn raise_in(
        &self,
        conn: &mut D::Conn,
        log: &EventLog,
        to: i64,
        operation: &'static str,
    ) -> Result<()> {
        let current = self.numbers(conn, Query::new(&log.sql.current), operation).await?;
        let free = match current.first() {
            Some(current) => Some(*current),
            None => self.numbers(conn, Query::new(&log.sql.spare), operation).await?.pop(),
        };
        let Some(mark) = free else { return Ok(()) };
        self.write(conn, Query::new(&log.sql.raise).bind(to).bind(mark), operation).await?;
        let others = self.numbers(conn, Query::new(&log.sql.pointers).bind(mark), operation).await?;
        for list in json::ids(others) {
            self.write(conn, Query::new(&log.sql.point).bind(list).bind(mark), operation).await?;
        }
        Ok(())
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
        let state = self.table_state(conn, log, OPERATION).await?;
        let held = self.held_marks(conn, log, OPERATION).await?;
        if held.iter().any(|mark| mark.slot == state.current) {
            self.raise_mark(conn, log, state.end, OPERATION).await?;
        }
        let held = held.into_iter().map(|mark| Held {
            key: mark.slot,
            after: mark.position,
            since: Duration::from_micros(u64::try_from(mark.age).unwrap_or(0)),
            at_least: Duration::ZERO,
        });
        self.name_holders(conn, &log.sql.wait, held.collect()).await
    }
}
