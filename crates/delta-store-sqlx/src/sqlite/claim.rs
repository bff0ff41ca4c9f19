use std::collections::HashMap;

use delta_core::{Changeset, ClaimRequest, Claimed, Error, ErrorKind, Lane, Resource, Result};
use sqlx::SqliteConnection;

use super::commit::apply;
use super::connection::in_transaction;
use super::errors::error;
use super::json::{JsonRows, ints};
use super::rows::{Columns, resources};
use super::statement::{run, statement};
use super::store::Inner;
use super::transaction::{Failure, begin, end, relieved, settled};
use delta_sql::driver::Backoff;

pub(super) async fn claim(
    inner: &Inner,
    conn: &mut SqliteConnection,
    finished: &Changeset,
    request: &ClaimRequest,
) -> Result<Claimed> {
    finished.check("claim")?;
    request.check("claim")?;
    if in_transaction(conn).await.map_err(|failed| error("claim", failed))? {
        let what = "expected a connection without a transaction, found one in a transaction";
        return Err(Error::new(ErrorKind::Invalid, "claim", what));
    }
    if finished.is_empty() && request.lanes.is_empty() {
        return Ok(Claimed::default());
    }
    let mut backoff = Backoff::new(inner.busy_timeout);
    let (claimed, woken) = loop {
        let done = claim_once(inner, conn, finished, request).await;
        if let Some(done) = settled(relieved(conn, done).await, &mut backoff).await {
            break done?;
        }
    };
    inner.bus.wake(woken);
    Ok(claimed)
}

async fn claim_once(
    inner: &Inner,
    conn: &mut SqliteConnection,
    finished: &Changeset,
    request: &ClaimRequest,
) -> Result<(Claimed, Vec<Lane>), Failure> {
    let mut tx = begin("claim", conn).await?;
    let done = apply_and_take(inner, &mut tx, finished, request).await;
    Ok(end("claim", tx, done).await?)
}

async fn apply_and_take(
    inner: &Inner,
    conn: &mut SqliteConnection,
    finished: &Changeset,
    request: &ClaimRequest,
) -> Result<(Claimed, Vec<Lane>)> {
    let mut applied = Default::default();
    if !finished.is_empty() {
        applied = apply(inner, conn, finished).await?;
    }
    let (receipt, woken) = applied;
    let picked = pick(inner, conn, request).await?;
    let resources = if picked.is_empty() { Vec::new() } else { take(inner, conn, request, &picked).await? };
    Ok((Claimed { receipt, resources }, woken))
}

/// The ids to claim, in the order of the answer. The write lock is held, so they stay free to take.
async fn pick(inner: &Inner, conn: &mut SqliteConnection, request: &ClaimRequest) -> Result<Vec<i64>> {
    let most = request.lanes.iter().map(|(_, limit)| *limit).max().unwrap_or(0);
    if most == 0 {
        return Ok(Vec::new());
    }
    let mut lanes = JsonRows::default();
    for ((lane, _), number) in request.lanes.iter().zip(0..) {
        drop(lanes.row().text(lane.namespace.as_str()).text(lane.kind.as_str()).int(number));
    }
    let mut by_lane = vec![Vec::new(); request.lanes.len()];
    for text in lanes.into_texts() {
        let query = statement(&inner.sql.pick).bind(text).bind(request.now.as_micros()).bind(i64::from(most));
        let rows = query.fetch_all(&mut *conn).await.map_err(|failed| error("claim", failed))?;
        for row in &rows {
            let mut columns = Columns::new("claim", row);
            let number: i64 = columns.next()?;
            let ids: &str = columns.next()?;
            let ids: Vec<i64> = serde_json::from_str(ids).map_err(|failed| columns.corrupt(failed))?;
            if let Some(lane) = usize::try_from(number).ok().and_then(|number| by_lane.get_mut(number)) {
                *lane = ids;
            }
        }
    }
    for (ids, (_, limit)) in by_lane.iter_mut().zip(&request.lanes) {
        ids.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
    }
    Ok(by_lane.concat())
}

/// Gives leases, and loads what has them.
async fn take(
    inner: &Inner,
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
    ids: &[i64],
) -> Result<Vec<Resource>> {
    let mut claims = JsonRows::default();
    for (number, id) in ids.iter().enumerate() {
        drop(claims.row().int(*id).int(request.base.offset(number).get()));
    }
    let (now, owner, until) = (request.now.as_micros(), request.owner.get(), request.until.as_micros());
    run("claim", conn, &inner.sql.take, claims, |query| query.bind(now).bind(owner).bind(until)).await?;
    let load = statement(&inner.sql.full_by_ids).bind(ints(ids.iter().copied()));
    let mut taken = resources("claim", load, conn).await?;
    let places: HashMap<i64, usize> = ids.iter().copied().zip(0..).collect();
    taken.sort_by_key(|row| places.get(&row.id.get()).copied());
    Ok(taken)
}
