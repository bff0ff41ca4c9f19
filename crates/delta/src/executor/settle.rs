use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use delta_core::{
    Access, Change, Changeset, Depth, Lane, Load, LoadBy, Locked, Outcome, Receipt, Resource, ResourceId, Result,
    RunAt, Session, State, Timestamp,
};

use crate::executor::attempt::{End, Failure, Finished, settlement};
use crate::executor::{Executor, in_time};
use crate::metrics;

/// An attempt that is over and waits to be settled.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) finished: Finished,
    /// Whether it was sent before, and the answer was lost: the settlement may have been written then.
    pub(crate) repeated: bool,
}

/// What is left of a batch after its receipt.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Rows that somebody has locked.
    pub(crate) busy: Vec<Pending>,
    /// Where something is claimable again, and in how long.
    pub(crate) again: Vec<(Lane, Duration)>,
}

impl Executor {
    /// Takes the changes out of a batch, into a changeset that skips locked rows.
    pub(crate) fn settlements(&self, batch: &mut [Pending], now: Timestamp) -> Changeset {
        let changes = batch.iter_mut().filter_map(|pending| match mem::replace(&mut pending.finished.end, End::Lost) {
            End::Settle(change) => Some(change),
            End::Verify | End::Lost => None,
        });
        let changes: Vec<Change> = changes.collect();
        Changeset { changes, locked: Locked::Skip, returning: self.engine.returning(), ..Changeset::new(now) }
    }

    /// Notes what became of a batch.
    pub(crate) fn settled(&self, batch: Vec<Pending>, changes: Changeset, receipt: &Receipt) -> Left {
        self.engine.subscriptions.publish(&receipt.events);
        self.engine.committed(&changes);
        let mut left = Left::default();
        let mut over = Vec::with_capacity(batch.len());
        for ((mut pending, change), outcome) in batch.into_iter().zip(changes.changes).zip(&receipt.outcomes) {
            match outcome {
                Outcome::Applied(applied) => {
                    let again = again(&change, applied.moved, changes.now);
                    left.again.extend(again.map(|delay| (pending.finished.key.lane(), delay)));
                }
                Outcome::Busy => {
                    metrics::busy("settle");
                    pending.finished.end = End::Settle(change);
                    left.busy.push(pending);
                    continue;
                }
                // If the answer to the first try was lost, it was most likely that one which settled it.
                Outcome::Lost | Outcome::Stale if pending.repeated => {
                    tracing::debug!(key = %pending.finished.key, "settled before, or lost");
                }
                Outcome::Lost | Outcome::Stale => {
                    metrics::lost("settle");
                    tracing::info!(key = %pending.finished.key, "lease was lost: the attempt's end is not recorded");
                }
            }
            over.push(pending.finished.token);
        }
        self.in_flight.forget(over);
        left
    }

    /// Looks whether workers that say so have settled their attempts; where not, the attempt has failed.
    pub(crate) async fn verify(&self, session: &mut dyn Session, batch: &mut Vec<Pending>) -> Result<Left> {
        let mut left = Left::default();
        let unsure = |pending: &Pending| matches!(pending.finished.end, End::Verify);
        let ids: Vec<ResourceId> = batch.iter().filter(|pending| unsure(pending)).map(|p| p.finished.id).collect();
        if ids.is_empty() {
            return Ok(left);
        }
        let load = Load { by: LoadBy::Ids(ids), depth: Depth::Head, access: Access::Read };
        let rows = in_time("load what workers have settled", self.patience(), session.load_dyn(&load)).await?;
        let rows: BTreeMap<ResourceId, Resource> = rows.into_iter().map(|row| (row.id, row)).collect();
        let mut over = Vec::new();
        batch.retain_mut(|pending| {
            let End::Verify = pending.finished.end else { return true };
            let Some(kind) = self.engine.kinds.get(&pending.finished.key.kind) else { return false };
            let token = pending.finished.token;
            let row = rows.get(&pending.finished.id);
            let held =
                |row: &&Resource| row.state == State::Pending && row.lease.is_some_and(|lease| lease.token == token);
            if let Some(row) = row.filter(held) {
                let message = Failure::NotCommitted.to_string();
                tracing::warn!(key = %row.key, error = %message, "attempt failed");
                metrics::attempt(&kind.name, "not_committed");
                let report = self.engine.failed(kind, row.attempt, message, None);
                pending.finished.end = settlement(self, kind, row, &report);
                return true;
            }
            metrics::attempt(&kind.name, "settled");
            over.push(token);
            if row.is_some_and(|row| row.state.is_claimable()) {
                left.again.push((pending.finished.key.lane(), Duration::ZERO));
            }
            false
        });
        if !over.is_empty() {
            // What a worker has settled itself appended its events in the worker's transaction.
            self.engine.appended();
        }
        self.in_flight.forget(over);
        Ok(left)
    }
}

/// In how long a settled row may be claimed again, if it may.
fn again(change: &Change, moved: bool, now: Timestamp) -> Option<Duration> {
    let Change::Settle(settle) = change else { return None };
    let settlement = if moved { &settle.moved } else { &settle.unmoved };
    match settlement.run_at {
        RunAt::Never => None,
        RunAt::At(at) => Some(at.since(now)),
        RunAt::AskedOr(_) => Some(Duration::ZERO),
    }
}

/// Puts the changes back into a batch that could not be sent.
pub(crate) fn put_back(batch: &mut [Pending], changes: Changeset, repeated: bool) {
    for (pending, change) in batch.iter_mut().zip(changes.changes) {
        pending.finished.end = End::Settle(change);
        pending.repeated |= repeated;
    }
}
