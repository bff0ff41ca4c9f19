use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use delta_core::{Error, ErrorKind, LogHolder, Result};

use super::driver::MysqlDriver;
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::{Tables, end, first};

/// How far the log may be read.
///
/// # Why nothing is skipped
///
/// Positions are given out before their events are committed, so that a later position may be there before an earlier
/// one. There is no lock in these databases that everybody may look at, so the log has epochs: rows of a table, of which
/// the one with the highest id is the current one. Before its first position, every transaction that appends takes a
/// shared lock of the row that is the current epoch by then, and keeps it until it ends; if that epoch is closed by the
/// time the lock is had, it takes the next one instead.
///
/// Each epoch has a floor: the last position that was committed before the epoch was opened. A reader closes an epoch that
/// is no longer the current one when it gets the row's exclusive lock without waiting. It may read up to the floor of the
/// oldest open epoch:
///
/// Take an event of position e up to the floor F of epoch n, the oldest that is open. F was given out before n was
/// committed, and e was given out before F, for positions are given out in ascending order. So the transaction that appends
/// e had its lock before n was committed, and that was of an epoch below n. All of those are closed. A closed one was locked
/// exclusively, so whoever had a share of it had ended by then, and whoever came later found it closed. Hence the
/// transaction has ended, and what it committed is seen by every statement that begins from now on. So no event up to F can
/// still appear, which is S7.
///
/// Where nobody is appending, the reader needs no new epoch. It takes the exclusive lock of the current epoch, the only open
/// one, without waiting, and reads the last committed position M in the same statement; afterwards it looks whether the
/// epoch is still the current one. If it is, nobody had a share of a later one when M was read, nobody has one of this, and
/// the argument above holds for M as the floor of an epoch that could have been opened then. The lock ends with the
/// statement, so that a reader that is stopped holds up nobody.
///
/// - Only transactions that have appended hold readers back. Readers never wait for a lock, and are waited for by appenders
///   for no longer than a statement takes.
/// - Positions are given out in ascending order by one server. Where several servers take writes at once (a Galera cluster, a
///   group with several primaries) they are not, and locks are not shared: all processes have to write to one.
/// - One snapshot for all statements would show less than what was committed: in a transaction that keeps its snapshot the
///   log is not read, and in a caller's transaction it is read only as far as it was known to be readable before.
/// - The epochs of a replica say nothing of its primary's transactions, so a server that only reads does not answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon {
    /// The last position that is committed.
    pub(super) end: i64,
    pub(super) readable: i64,
}

/// How far this process knows the log to be readable.
#[derive(Debug, Default)]
pub(super) struct LogMemory(AtomicI64);

impl LogMemory {
    /// How far; the end of the log is beyond, or the log is another one than it was.
    fn known(&self, end: i64) -> i64 {
        match self.0.load(Ordering::Acquire) {
            known if known > end => {
                self.clear();
                0
            }
            known => known,
        }
    }

    fn raise(&self, readable: i64) {
        self.0.fetch_max(readable, Ordering::AcqRel);
    }

    /// Forgets it: for a log that was made anew.
    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }
}

#[derive(Debug)]
struct Epoch {
    id: i64,
    floor: i64,
    opened_at: i64,
}

/// The open epochs, the oldest first.
#[derive(Debug)]
struct State {
    end: i64,
    oldest: Epoch,
    /// Above the oldest.
    others: Vec<Epoch>,
}

impl State {
    fn current(&self) -> i64 {
        self.others.last().unwrap_or(&self.oldest).id
    }
}

/// How many closed epochs are kept, for whoever is about to lock one of them.
const KEPT: i64 = 100;

/// How often an appender follows the current epoch before it takes that for a conflict.
const STEPS: usize = 100;

impl<D: MysqlDriver> Tables<D> {
    /// Keeps readers below what this transaction is about to append, until it ends.
    pub(super) async fn hold_log(&self, conn: &mut D::Conn) -> Result<()> {
        for _ in 0..STEPS {
            let rows = self.fetch(conn, Query::new(&self.sql().log_hold), "commit").await?;
            if let Some(row) = rows.first()
                && field::<_, i64>(row, 0, "commit")? == 0
            {
                return Ok(());
            }
        }
        let what = "expected an epoch of the log that is open, found each closed before it could be locked";
        Err(Error::new(ErrorKind::Conflict, "commit", what))
    }

    /// How far the log may be read now. Goes as far as it can, but in a caller's transaction.
    pub(super) async fn horizon(&self, conn: &mut D::Conn) -> Result<Horizon> {
        let callers = self.driver().is_in_transaction(conn);
        if callers {
            self.check_isolation(conn, "events").await?;
        }
        let mut state = self.log_state(conn, "events").await?;
        let mut readable = self.readable(&state);
        if !callers && state.end > readable {
            if state.others.is_empty() && self.read_quiet(conn, &state).await?.is_none() {
                self.open_epoch(conn, &state).await?;
                state = self.log_state(conn, "events").await?;
            }
            if self.close_epochs(conn, &state).await? {
                state = self.log_state(conn, "events").await?;
            }
            readable = self.readable(&state);
        }
        Ok(Horizon { end: state.end.max(readable), readable })
    }

    fn readable(&self, state: &State) -> i64 {
        let readable = state.oldest.floor.max(self.log().known(state.end));
        self.log().raise(readable);
        readable
    }

    async fn log_state(&self, conn: &mut D::Conn, operation: &'static str) -> Result<State> {
        let rows = self.fetch(conn, Query::new(&self.sql().log_state), operation).await?;
        let epoch = |row: &D::Row| {
            Ok(Epoch {
                id: field(row, 2, operation)?,
                floor: field(row, 3, operation)?,
                opened_at: field(row, 4, operation)?,
            })
        };
        let Some(row) = rows.first() else {
            return Err(corrupt(operation, "expected an open epoch of the log, found none"));
        };
        if field::<_, i64>(row, 0, operation)? != 0 {
            let what =
                "expected a server that takes writes, found one that only reads, which does not know who appends";
            return Err(Error::new(ErrorKind::Unavailable, operation, what));
        }
        let end = field::<_, Option<i64>>(row, 1, operation)?.unwrap_or(0);
        let others = rows[1..].iter().map(epoch).collect::<Result<_>>()?;
        Ok(State { end, oldest: epoch(row)?, others })
    }

    /// Reads how far the log goes while nobody appends; nothing if somebody does.
    async fn read_quiet(&self, conn: &mut D::Conn, state: &State) -> Result<Option<()>> {
        let query = Query::new(&self.sql().log_quiet).bind(state.oldest.id);
        let rows = self.fetch(conn, query, "events").await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let end: Option<i64> = field(row, 0, "events")?;
        let rows = self.fetch(conn, Query::new(&self.sql().log_current), "events").await?;
        let current: Option<i64> = field(first(&rows, "events")?, 0, "events")?;
        if current != Some(state.oldest.id) {
            return Ok(None);
        }
        self.log().raise(end.unwrap_or(0));
        Ok(Some(()))
    }

    async fn open_epoch(&self, conn: &mut D::Conn, state: &State) -> Result<()> {
        // Taken by another reader if the key is.
        self.execute(conn, Query::new(&self.sql().log_open).bind(state.current() + 1), "events").await?;
        Ok(())
    }

    /// Closes the open epochs below the current one, as far as nobody has a share of them. Says whether it closed any.
    async fn close_epochs(&self, conn: &mut D::Conn, state: &State) -> Result<bool> {
        let current = state.current();
        let mut closed = false;
        for epoch in std::iter::once(&state.oldest).chain(&state.others).filter(|epoch| epoch.id < current) {
            let mut unit = self.unit(conn, "events").await?;
            let done = self.close_epoch(unit.conn(), epoch.id).await;
            if !end(unit, done, "events").await? {
                return Ok(closed);
            }
            closed = true;
        }
        if closed && current % KEPT == 0 {
            self.write(conn, Query::new(&self.sql().log_forget).bind(current - KEPT), "events").await?;
        }
        Ok(closed)
    }

    async fn close_epoch(&self, conn: &mut D::Conn, id: i64) -> Result<bool> {
        let rows = self.fetch(conn, Query::new(&self.sql().log_lock).bind(id), "events").await?;
        if rows.is_empty() {
            return Ok(false);
        }
        self.write(conn, Query::new(&self.sql().log_close).bind(id), "events").await?;
        Ok(true)
    }

    /// Tells what holds readers of the log back.
    ///
    /// Neither server says without further rights who has a lock. So there is one entry for each epoch that somebody has a
    /// share of, with the time since which readers are known to be held back by it.
    pub async fn log_holders(&self, conn: &mut D::Conn) -> Result<Vec<LogHolder>> {
        let operation = "log holders";
        if self.driver().is_in_transaction(conn) {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, operation, what));
        }
        let state = self.log_state(conn, operation).await?;
        let rows = self.fetch(conn, Query::new(&self.sql().log_free), operation).await?;
        let free: Vec<i64> = rows.iter().map(|row| field(row, 0, operation)).collect::<Result<_>>()?;
        let now = self.now(conn).await?.as_micros();
        let epochs: Vec<&Epoch> = std::iter::once(&state.oldest).chain(&state.others).collect();
        let next = epochs.iter().skip(1).map(|epoch| Some(epoch.opened_at)).chain([None]);
        let held = epochs.iter().zip(next).filter(|(epoch, _)| !free.contains(&epoch.id));
        let holder = |(epoch, next): (&&Epoch, Option<i64>)| LogHolder {
            session: format!("unknown, in epoch {}", epoch.id),
            age: next.map_or(Duration::ZERO, |next| Duration::from_micros(u64::try_from(now - next).unwrap_or(0))),
            statement: String::new(),
            activity: "has appended, and not ended".to_owned(),
        };
        Ok(held.map(holder).collect())
    }
}
