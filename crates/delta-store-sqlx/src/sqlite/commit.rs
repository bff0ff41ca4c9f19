use delta_core::{Applied, Change, Changeset, Lane, Name, Outcome, Receipt, ResourceId, Result, Returning, WakeUp};
use sqlx::SqliteConnection;

use super::connection::in_transaction;
use super::cursors;
use super::errors::error;
use super::events;
use super::fences::{Fences, lost_cursor};
use super::rows::Columns;
use super::scopes;
use super::statement::statement;
use super::store::Inner;
use super::transaction::{Failure, begin, end, relieved, settled};
use super::writes::Writes;
use delta_sql::driver::Backoff;

pub(super) async fn commit(inner: &Inner, conn: &mut SqliteConnection, set: &Changeset) -> Result<Receipt> {
    set.check("commit")?;
    if set.is_empty() {
        return Ok(Receipt::default());
    }
    let callers = in_transaction(conn).await.map_err(|failed| error("commit", failed))?;
    let mut backoff = Backoff::new(inner.busy_timeout);
    let (receipt, woken) = loop {
        let done = commit_once(inner, conn, set).await;
        if let Some(done) = settled(relieved(conn, done).await, &mut backoff).await {
            break done?;
        }
    };
    if callers {
        inner.held.add(woken);
    } else {
        inner.bus.wake(woken);
    }
    Ok(receipt)
}

async fn commit_once(
    inner: &Inner,
    conn: &mut SqliteConnection,
    set: &Changeset,
) -> Result<(Receipt, Vec<Lane>), Failure> {
    let mut tx = begin("commit", conn).await?;
    let done = apply(inner, &mut tx, set).await;
    Ok(end("commit", tx, done).await?)
}

/// Applies a checked changeset within a transaction: the receipt, and the lanes to wake once it is kept.
///
/// The write lock is held, so what the fences read stays true until the end.
pub(super) async fn apply(inner: &Inner, conn: &mut SqliteConnection, set: &Changeset) -> Result<(Receipt, Vec<Lane>)> {
    if let Some(lost) = lost_cursor(inner, conn, &set.cursors).await? {
        return Ok((Receipt { lost_cursor: Some(lost), ..Receipt::default() }, Vec::new()));
    }
    let fences = Fences::read(inner, conn, set).await?;
    let next_id = if set.changes.iter().any(|change| change.inserted_key().is_some()) {
        last_id(inner, conn).await? + 1
    } else {
        0
    };
    let (outcomes, writes) = decide(set, &fences, next_id);
    let head = match set.returning {
        Returning::Events => Some(events::head(inner, conn, "commit").await?),
        Returning::Outcomes => None,
    };
    if fences.names_missing {
        writes.create_names(inner, conn).await?;
    }
    let changed = writes.woken().filter(|_| set.wake == WakeUp::InTransaction);
    writes.run(inner, conn, set.now).await?;
    cursors::write(inner, conn, &set.cursors).await?;
    scopes::write(inner, conn, &set.scopes, set.now).await?;
    let events = match head {
        Some(head) => events::since(inner, conn, head).await?,
        None => Vec::new(),
    };
    let woken = match changed {
        Some(ids) => claimable_lanes(inner, conn, ids).await?,
        None => Vec::new(),
    };
    Ok((Receipt { outcomes, lost_cursor: None, events }, woken))
}

/// What becomes of each change, and what is to be written for it. Inserts get ids from `next_id` up.
fn decide(set: &Changeset, fences: &Fences, mut next_id: i64) -> (Vec<Outcome>, Writes) {
    let mut writes = Writes::default();
    let mut inserts = 0..;
    let mut one = |change: &Change| {
        if let Change::Insert(insert) = change {
            if inserts.next().is_some_and(|number| fences.key_exists(number)) {
                return Outcome::Stale;
            }
            let id = ResourceId::new(next_id);
            next_id += 1;
            writes.insert(id, insert);
            return Outcome::Applied(Applied { id, moved: false, cancel_requested: false });
        }
        let before = match fences.check(change) {
            Ok(before) => before,
            Err(outcome) => return outcome,
        };
        let mut applied = Applied { id: change.id().unwrap_or_default(), moved: false, cancel_requested: false };
        match change {
            Change::Insert(_) => {}
            Change::Update(update) => writes.update(update, before),
            Change::Remove(remove) => writes.remove(remove),
            Change::Settle(settle) => applied.moved = writes.settle(settle, before),
            Change::Renew(renew) => {
                applied.cancel_requested = before.cancel_requested;
                writes.renew(renew);
            }
        }
        Outcome::Applied(applied)
    };
    let outcomes = set.changes.iter().map(&mut one).collect();
    (outcomes, writes)
}

async fn last_id(inner: &Inner, conn: &mut SqliteConnection) -> Result<i64> {
    let row = statement(&inner.sql.last_id).fetch_one(conn).await.map_err(|failed| error("commit", failed))?;
    Columns::new("commit", &row).next()
}

async fn claimable_lanes(inner: &Inner, conn: &mut SqliteConnection, ids: String) -> Result<Vec<Lane>> {
    let rows = statement(&inner.sql.claimable_lanes).bind(ids).fetch_all(conn).await;
    rows.map_err(|failed| error("commit", failed))?.iter().map(|row| lane(&mut Columns::new("commit", row))).collect()
}

/// Reads the names of a lane.
pub(super) fn lane(columns: &mut Columns<'_>) -> Result<Lane> {
    let mut name = || Name::new(columns.next::<&str>()?).map_err(|invalid| columns.corrupt(invalid));
    Ok(Lane { namespace: name()?, kind: name()? })
}
