use std::collections::BTreeSet;

use delta_core::{Error, EventTable, Gap, Result, Timestamp};

use super::driver::{Executed, MysqlDriver};
use super::query::Query;
use super::rows::field;
use super::table_cache::EventLog;
use super::tables::Tables;

const OPERATION: &str = "fill a gap";

/// How many ids of a gap one call fills; readers then find the rest.
const AT_ONCE: usize = 1_000;

impl<D: MysqlDriver> Tables<D> {
    /// Fills a gap of an application's table, where no transaction has its ids.
    ///
    /// An id that an open transaction has inserted is locked, and cannot be looked at without waiting: so it is left.
    pub async fn fill_gap(&self, conn: &mut D::Conn, table: &EventTable, gap: Gap, now: Timestamp) -> Result<u64> {
        let log = self.event_log(table)?;
        let state = self.table_horizon(conn, &log, OPERATION).await?;
        let after = gap.after.get().max(state.trimmed);
        let before = gap.before.get().min(state.end.saturating_add(1));
        let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let query = Query::new(&log.sql.ids_between).bind(after).bind(before).bind(limit);
        let rows = self.fetch(conn, query, OPERATION).await?;
        let there = rows.iter().map(|row| field(row, 0, OPERATION)).collect::<Result<BTreeSet<i64>>>()?;
        let last = there.last().copied().filter(|_| there.len() >= AT_ONCE).unwrap_or(before);
        let missing: Vec<i64> = (after + 1..last).filter(|id| !there.contains(id)).take(AT_ONCE).collect();
        if missing.is_empty() {
            return Ok(0);
        }
        self.fill_ids(conn, &log, &missing, now).await
    }

    async fn fill_ids(&self, conn: &mut D::Conn, log: &EventLog, ids: &[i64], now: Timestamp) -> Result<u64> {
        let mut filled = 0;
        for id in ids {
            match self.fetch(conn, Query::new(&log.sql.locked).bind(*id), OPERATION).await {
                Ok(rows) if rows.is_empty() => {}
                Ok(_) => continue,
                Err(error) if is_locked(&error) => continue,
                Err(error) => return Err(error),
            }
            match self.execute(conn, Query::new(&log.sql.fill).bind(*id).bind(now), OPERATION).await {
                Ok(Executed::Done) => filled += 1,
                Ok(Executed::Duplicate) => {}
                // Whoever has inserted just that, or has locked a range, may have locked the rest too: waiting for each would
                // take long.
                Err(error) if is_locked(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// Whether somebody else has a lock: one of the two servers says at once that a wait has ended, the other that it was not to
/// be waited for.
fn is_locked(error: &Error) -> bool {
    let text = error.to_string();
    ["(error 1205)", "(error 3572)"].iter().any(|number| text.contains(number))
}
