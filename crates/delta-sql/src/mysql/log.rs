use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use delta_core::{Error, ErrorKind, LogHolder, Result, Timestamp};

use super::driver::MysqlDriver;
use super::holders::{Held, OPERATION};
use super::json;
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::{Tables, end, first};
use super::trim::trimmed;

/// How far the log may be read.
///
/// # Why nothing is skipped
///
/// Positions are given out before their events are committed, so that a later position may be there before an earlier
/// one. There is no lock in these databases that everybody may look at, so the log has marks: rows of a table, each with
/// the position of an event. Before its first position, every transaction that appends takes a shared lock of the row that
/// is the highest mark by then, and keeps it until it ends; if that row is gone by the time the lock is had, it takes the
/// highest of those that are left. A mark is removed by whoever gets the row's exclusive lock without waiting while there
/// is a higher one. A reader may read up to the lowest mark that is left:
///
/// Take an event of position e below the lowest mark m, and the transaction T that appends it. Positions are given out in
/// ascending order, and a mark is made of one that was given out before: so e was given out before m was, T had its lock
/// before that, and the mark that it locked was there by then and is lower than m. As m is the lowest one left, that mark
/// was removed, by somebody who had its exclusive lock; so T had ended by then, and what it committed is seen by every
/// statement that sees the mark gone. Hence no event up to m can still appear, which is S7.
///
/// Marks are made by readers, of the last position that is committed; and now and then by a transaction of Delta's own, of
/// a position that it appended, to be there once it commits: so that who appends for long holds back nothing that was
/// committed well before it began.
///
/// Where nobody is appending, the reader needs no new mark. It takes the exclusive lock of the only one, without waiting,
/// and reads the last committed position p in the same statement; afterwards it looks whether the mark is still the highest.
/// If it is, nobody had a share of a later one when p was read, nobody has one of this, and the argument above holds for a
/// mark of p that could have been made then. The lock ends with the statement, so that a reader that is stopped holds up
/// nobody.
///
/// - Only transactions that have appended hold readers back. Readers never wait for a lock, and are waited for by appenders
///   for no longer than a statement takes.
/// - Positions are given out in ascending order by one server. Where several servers take writes at once (a Galera cluster, a
///   group with several primaries) they are not, and locks are not shared: all processes have to write to one.
/// - One snapshot for all statements would show less than what was committed: in a transaction that keeps its snapshot the
///   log is not read, and in a caller's transaction it is read only as far as it was known to be readable before.
/// - The marks of a replica say nothing of its primary's transactions, so a server that only reads does not answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon {
    /// The last position that is committed, or was.
    pub(super) end: i64,
    pub(super) readable: i64,
    /// The last position that was trimmed.
    pub(super) trimmed: i64,
}

/// What this process knows of the log.
#[derive(Debug)]
pub(super) struct LogMemory {
    /// How far it may be read.
    readable: AtomicI64,
    /// When a transaction of Delta's own last made a mark, by the time of its changeset.
    turned: AtomicI64,
}

/// How long a transaction of Delta's own leaves the marks alone after another has made one.
const TURN: i64 = 1_000_000;

impl Default for LogMemory {
    fn default() -> Self {
        Self { readable: AtomicI64::new(0), turned: AtomicI64::new(i64::MIN) }
    }
}

impl LogMemory {
    /// How far it may be read; if the end of the log is before that, it is another log.
    pub(super) fn readable(&self, end: i64) -> i64 {
        match self.readable.load(Ordering::Acquire) {
            readable if readable > end => {
                self.clear();
                0
            }
            readable => readable,
        }
    }

    pub(super) fn raise(&self, readable: i64) {
        self.readable.fetch_max(readable, Ordering::AcqRel);
    }

    /// Whether it is time for another mark.
    pub(super) fn turn(&self, now: Timestamp) -> bool {
        let now = now.as_micros();
        let turned = self.turned.load(Ordering::Relaxed);
        // Changesets may be of any time, a test's for instance.
        let due = now.saturating_sub(turned).saturating_abs() >= TURN;
        due && self.turned.compare_exchange(turned, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Forgets everything: for a log that was made anew.
    pub(super) fn clear(&self) {
        self.readable.store(0, Ordering::Release);
        self.turned.store(i64::MIN, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Mark {
    position: i64,
    at: i64,
}

/// The marks, the lowest first.
#[derive(Debug)]
struct State {
    end: i64,
    trimmed: i64,
    lowest: Mark,
    /// Above the lowest.
    others: Vec<Mark>,
}

/// How often a reader goes further, while others append.
const ROUNDS: usize = 3;

/// How often an appender follows the highest mark before it takes that for a conflict.
const STEPS: usize = 100;

impl<D: MysqlDriver> Tables<D> {
    /// Keeps readers below what this transaction is about to append, until it ends.
    pub(super) async fn hold_log(&self, conn: &mut D::Conn) -> Result<()> {
        for _ in 0..STEPS {
            if !self.fetch(conn, Query::new(&self.sql().log_hold), "commit").await?.is_empty() {
                return Ok(());
            }
        }
        let what = "expected a mark of the log that stays, found each gone before it could be locked";
        Err(Error::new(ErrorKind::Conflict, "commit", what))
    }

    /// Marks what the statement before appended, in a transaction of Delta's own, if it is time to.
    pub(super) async fn turn_log(&self, conn: &mut D::Conn, now: Timestamp) -> Result<()> {
        if !self.log().turn(now) {
            return Ok(());
        }
        let mark = self.given_out(conn, 1).await?.pop().unwrap_or(0);
        self.write(conn, Query::new(&self.sql().log_turn).bind(mark), "commit").await?;
        self.remove_marks(conn, mark, "commit").await
    }

    /// How far the log may be read now. Goes as far as it can, but in a caller's transaction.
    pub(super) async fn horizon(&self, conn: &mut D::Conn) -> Result<Horizon> {
        let callers = self.driver().is_in_transaction(conn);
        if callers {
            self.check_isolation(conn, "events").await?;
        }
        let mut state = self.log_state(conn, "events").await?;
        let mut readable = self.readable(&state);
        for _ in 0..ROUNDS {
            let alone = state.others.is_empty();
            if callers || state.end <= readable || (alone && self.read_quiet(conn, &state).await?) {
                break;
            }
            if alone {
                // Made by another reader if it is there.
                self.execute(conn, Query::new(&self.sql().log_open), "events").await?;
            }
            self.close_marks(conn).await?;
            state = self.log_state(conn, "events").await?;
            readable = self.readable(&state);
            if !state.others.is_empty() {
                break;
            }
        }
        readable = readable.max(self.readable(&state));
        Ok(Horizon { end: state.end.max(readable), readable, trimmed: state.trimmed })
    }

    fn readable(&self, state: &State) -> i64 {
        // Only what can be read is trimmed.
        let readable = state.lowest.position.max(self.log().readable(state.end)).max(state.trimmed);
        self.log().raise(readable);
        readable
    }

    async fn log_state(&self, conn: &mut D::Conn, operation: &'static str) -> Result<State> {
        let rows = self.fetch(conn, Query::new(&self.sql().log_state), operation).await?;
        let mark = |row: &D::Row| Ok(Mark { position: field(row, 2, operation)?, at: field(row, 3, operation)? });
        let Some(row) = rows.first() else {
            return Err(corrupt(operation, "expected a mark of the log, found none"));
        };
        if field::<_, i64>(row, 0, operation)? != 0 {
            let what =
                "expected a server that takes writes, found one that only reads, which does not know who appends";
            return Err(Error::new(ErrorKind::Unavailable, operation, what));
        }
        let trimmed = trimmed(field(row, 4, operation)?, operation)?;
        let end = field::<_, Option<i64>>(row, 1, operation)?.unwrap_or(0).max(trimmed);
        let others = rows[1..].iter().map(mark).collect::<Result<_>>()?;
        Ok(State { end, trimmed, lowest: mark(row)?, others })
    }

    /// Reads how far the log goes, if nobody appends. Says whether that is so.
    async fn read_quiet(&self, conn: &mut D::Conn, state: &State) -> Result<bool> {
        let mark = state.lowest.position;
        let rows = self.fetch(conn, Query::new(&self.sql().log_quiet).bind(mark), "events").await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let end: Option<i64> = field(row, 0, "events")?;
        let rows = self.fetch(conn, Query::new(&self.sql().log_current), "events").await?;
        let highest: Option<i64> = field(first(&rows, "events")?, 0, "events")?;
        if highest == Some(mark) {
            self.log().raise(end.unwrap_or(0));
        }
        Ok(highest == Some(mark))
    }

    async fn close_marks(&self, conn: &mut D::Conn) -> Result<()> {
        let rows = self.fetch(conn, Query::new(&self.sql().log_current), "events").await?;
        let highest: Option<i64> = field(first(&rows, "events")?, 0, "events")?;
        let mut unit = self.unit(conn, "events").await?;
        let done = self.remove_marks(unit.conn(), highest.unwrap_or(0), "events").await;
        end(unit, done, "events").await
    }

    /// Removes the marks below one that nobody has a share of.
    async fn remove_marks(&self, conn: &mut D::Conn, below: i64, operation: &'static str) -> Result<()> {
        let rows = self.fetch(conn, Query::new(&self.sql().log_free).bind(below), operation).await?;
        let free = rows.iter().map(|row| field(row, 0, operation)).collect::<Result<Vec<i64>>>()?;
        for list in json::ids(free) {
            self.write(conn, Query::new(&self.sql().log_close).bind(list), operation).await?;
        }
        Ok(())
    }

    /// Tells who holds readers of the log back.
    ///
    /// Each mark that somebody has a share of is waited for, while another session looks for whom. That takes a right, and a
    /// server that says so. Before it, a mark is made above the one that appenders take now: they never wait for longer
    /// than a statement takes.
    pub async fn log_holders(&self, conn: &mut D::Conn) -> Result<Vec<LogHolder>> {
        let operation = OPERATION;
        if self.driver().is_in_transaction(conn) {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, operation, what));
        }
        let mut state = self.log_state(conn, operation).await?;
        if state.others.is_empty() && state.end > state.lowest.position {
            self.execute(conn, Query::new(&self.sql().log_open), operation).await?;
            state = self.log_state(conn, operation).await?;
        }
        let rows = self.fetch(conn, Query::new(&self.sql().log_free).bind(i64::MAX), operation).await?;
        let free: Vec<i64> = rows.iter().map(|row| field(row, 0, operation)).collect::<Result<_>>()?;
        let now = self.now(conn).await?.as_micros();
        let marks: Vec<&Mark> = std::iter::once(&state.lowest).chain(&state.others).collect();
        let next = marks.iter().skip(1).map(|mark| Some(mark.at)).chain([None]);
        let held = marks.iter().zip(next).filter(|(mark, _)| !free.contains(&mark.position));
        let held = held.map(|(mark, next)| {
            let since =
                next.and_then(|next| u64::try_from(now - next).ok()).map_or(Duration::ZERO, Duration::from_micros);
            Held { key: mark.position, after: mark.position, since, at_least: since }
        });
        self.name_holders(conn, &self.sql().log_wait, held.collect()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_made_at_most_once_a_second() {
        let memory = LogMemory::default();
        let turn = |micros| memory.turn(Timestamp::from_micros(micros));
        assert!(turn(5) && !turn(5) && !turn(TURN + 4) && turn(TURN + 5) && !turn(TURN + 6));
        assert!(turn(0), "time may go back");
        memory.clear();
        assert!(turn(0));
    }

    #[test]
    fn what_is_known_of_a_log_that_is_another_is_forgotten() {
        let memory = LogMemory::default();
        memory.raise(7);
        memory.raise(5);
        assert_eq!((memory.readable(9), memory.readable(7)), (7, 7));
        assert_eq!((memory.readable(6), memory.readable(9)), (0, 0));
    }
}
