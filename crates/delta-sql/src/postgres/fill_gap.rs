use std::collections::BTreeSet;
use std::time::Duration;

use delta_core::{Error, ErrorKind, EventTable, Gap, Gaps, Result, Timestamp};

use super::driver::PostgresDriver;
use super::live_table::LiveTable;
use super::query::Query;
use super::rows::field;
use super::tables::Tables;
use crate::driver::{Backoff, Need};

const OPERATION: &str = "fill gap";
/// At most so many ids are looked at in one call; the next one finds the rest.
const MOST_IDS: i64 = 10_000;
/// How long statements that may be between an id and its row are waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often an id may turn out to be in an open transaction before the rest is left for the next call.
const MOST_HELD: u32 = 40;
/// How long to wait for each of those.
const LOCK_TIMEOUT: &str = "SELECT set_config('lock_timeout', '20ms', true)";

impl<D: PostgresDriver> Tables<D> {
    /// Fills a gap with noop events, where no open transaction has its ids: T5.
    ///
    /// # Why nobody's row is lost
    ///
    /// An id that is missing below one that was committed had been given out before that, to a statement of a transaction
    /// that is one of these by now:
    ///
    /// - Committed or undone: the insert of a noop event leaves the row as it is, or takes the place that nobody will.
    /// - Open, with the row inserted: the insert of a noop event waits for it, and gives up soon.
    /// - Open, with the statement still between id and row. Were the noop event first, that statement would fail on a
    ///   duplicate. It holds a lock on the table, as everybody who inserts does before the first id is taken, and it is
    ///   running. So the statements that run in transactions with such a lock, at a time after the id was found missing,
    ///   are waited for; if one takes too long, nothing is filled.
    ///
    /// What remains is a program that takes ids from the sequence by hand, and inserts them in a later statement: it may find
    /// one filled, and its insert then fails on a duplicate. Where this account may not see what others' sessions are doing
    /// (`pg_read_all_stats`), their whole transactions are waited for.
    pub async fn fill_gap(&self, conn: &mut D::Conn, table: &EventTable, gap: Gap, now: Timestamp) -> Result<u64> {
        let texts = self.event_table(table)?;
        let invalid = |what: &str| Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        if table.gap_rule() == Gaps::Passed {
            return invalid("expected a table whose gaps are waited for, found one whose gaps mean nothing");
        }
        if self.driver().is_in_transaction(conn) {
            return invalid("expected a connection that is not in a transaction, found one that is");
        }
        let mark = self.read_mark(conn, &texts.mark, &table.log_name(), OPERATION).await?;
        let query = Query::new(&texts.missing).bind(gap.after.max(mark).get()).bind(gap.before.get()).bind(MOST_IDS);
        let rows = self.read(conn, query, OPERATION).await?;
        let ids = rows.iter().map(|row| field(row, 0, OPERATION)).collect::<Result<Vec<i64>>>()?;
        if ids.is_empty() || !self.await_statements(conn, &texts).await? {
            return Ok(0);
        }
        self.fill(conn, &texts, &ids, now).await
    }

    /// Waits until no statement runs any more that may have taken an id and not inserted it yet; `false` if one does not end.
    async fn await_statements(&self, conn: &mut D::Conn, texts: &LiveTable) -> Result<bool> {
        let mut waited_for = self.running(conn, texts).await?;
        let mut backoff = Backoff::new(PATIENCE);
        while !waited_for.is_empty() {
            if !backoff.again().await {
                return Ok(false);
            }
            let running = self.running(conn, texts).await?;
            waited_for.retain(|statement| running.contains(statement));
        }
        Ok(true)
    }

    async fn running(&self, conn: &mut D::Conn, texts: &LiveTable) -> Result<BTreeSet<String>> {
        let rows = self.read(conn, Query::new(&texts.running), OPERATION).await?;
        rows.iter().map(|row| field(row, 0, OPERATION)).collect()
    }

    /// Fills ids, in halves of halves where some are held.
    async fn fill(&self, conn: &mut D::Conn, texts: &LiveTable, ids: &[i64], now: Timestamp) -> Result<u64> {
        let (mut filled, mut held) = (0, 0);
        let mut rest = vec![ids];
        while let Some(ids) = rest.pop() {
            match self.fill_at_once(conn, texts, ids, now).await {
                Ok(written) => filled += written,
                Err(error) if is_held(&error) => {
                    held += 1;
                    if held >= MOST_HELD {
                        break;
                    }
                    let (first, second) = ids.split_at(ids.len() / 2);
                    rest.extend([second, first].into_iter().filter(|half| !half.is_empty() && half.len() < ids.len()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    async fn fill_at_once(&self, conn: &mut D::Conn, texts: &LiveTable, ids: &[i64], now: Timestamp) -> Result<u64> {
        let mut unit = self.unit(conn, Need::Transaction, OPERATION).await?;
        self.fetch(unit.conn(), Query::new(&LOCK_TIMEOUT.into()), OPERATION).await?;
        let query = Query::new(&texts.fill).bind(ids.to_vec()).bind(now);
        match self.fetch(unit.conn(), query, OPERATION).await {
            Ok(rows) => {
                unit.keep(OPERATION).await?;
                Ok(rows.len() as u64)
            }
            Err(error) => {
                unit.undo(OPERATION).await?;
                Err(error)
            }
        }
    }
}

/// Whether a statement gave up on a lock. Not every driver tells the code.
fn is_held(error: &Error) -> bool {
    let text = error.to_string();
    error.kind() == ErrorKind::Unavailable && (text.contains("55P03") || text.contains("lock timeout"))
}
