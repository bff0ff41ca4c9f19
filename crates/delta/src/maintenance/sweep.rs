use std::sync::Arc;

use delta_core::{
    Access, Change, Changeset, Due, DueQuery, Error, ErrorKind, Lane, Locked, Resource, Result, Session, Timestamp,
};
use tokio::time::timeout;

use crate::engine::{Engine, woken};
use crate::maintenance::periods::Lanes;
use crate::metrics;

/// How many rows one page has at most.
const MOST: u32 = 10_000;

/// Finds what is due, page by page, and writes what `decide` makes of it, until nothing is left. What another has changed
/// meanwhile or holds locked comes again next time.
pub(super) async fn sweep<D, F>(engine: &Arc<Engine>, step: &'static str, due: D, lanes: Lanes, decide: F) -> Result<()>
where
    D: Fn(Timestamp) -> Due + Send + Sync,
    F: Fn(Resource, Timestamp) -> Option<Change> + Send + Sync,
{
    let mut limit = engine.settings.cleaner_batch;
    loop {
        let mut session = engine.session(Access::Write).await?;
        let page = async {
            let now = engine.now(&mut *session).await?;
            let Lanes { namespaces, kinds } = lanes.clone();
            let query = DueQuery { due: due(now), namespaces, kinds, limit };
            page(engine, &mut *session, &query, now, &decide).await
        };
        let round = timeout(engine.settings.cleaner_timeout, page).await;
        let Ok(page) = round else {
            // It is in the middle of a statement.
            session.discard_dyn();
            let what = format!("expected an answer within {:?}, found none", engine.settings.cleaner_timeout);
            return Err(Error::new(ErrorKind::Unavailable, step, what));
        };
        Engine::release(session, page.as_ref().err());
        let Page { found, applied } = page?;
        metrics::maintained(step, applied);
        if found < limit as usize {
            return Ok(());
        }
        if applied == 0 {
            // A page of rows that are locked by somebody hides what is due behind them.
            if limit == MOST {
                return Ok(());
            }
            limit = limit.saturating_mul(2).min(MOST);
        }
    }
}

struct Page {
    found: usize,
    applied: u64,
}

async fn page<F>(
    engine: &Arc<Engine>,
    session: &mut dyn Session,
    query: &DueQuery,
    now: Timestamp,
    decide: &F,
) -> Result<Page>
where
    F: Fn(Resource, Timestamp) -> Option<Change> + Send + Sync,
{
    let rows = session.due_dyn(query).await?;
    let found = rows.len();
    let decided = |row: Resource| {
        let lane = row.key.lane();
        let change = decide(row, now)?;
        let woken = match &change {
            Change::Settle(_) => Some(lane),
            change => woken(change, now),
        };
        Some((change, woken))
    };
    let (changes, lanes): (Vec<Change>, Vec<Option<Lane>>) = rows.into_iter().filter_map(decided).unzip();
    if changes.is_empty() {
        return Ok(Page { found, applied: 0 });
    }
    let mut changes = Changeset { changes, locked: Locked::Skip, ..Changeset::new(now) };
    let receipt = engine.commit(session, &mut changes).await?;
    let applied = receipt.outcomes.iter().zip(lanes).filter(|(outcome, _)| outcome.applied().is_some());
    let lanes: Vec<Option<Lane>> = applied.map(|(_, lane)| lane).collect();
    let applied = lanes.len() as u64;
    engine.wake(lanes.into_iter().flatten());
    Ok(Page { found, applied })
}
