use std::sync::Arc;

use delta_core::{
    Access, Changeset, ClaimRequest, ErrorKind, Key, LaneQuery, LeaseToken, Outcome, Resource, Result, Session,
};
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::client::{AnyClient, Stop};
use crate::clock::{instant, sleep};
use crate::engine::Engine;
use crate::executor::attempt::{self, Finished};
use crate::executor::in_flight::{Due, Ending};
use crate::executor::settle::{Pending, put_back};
use crate::executor::slots::Slots;
use crate::executor::{Executor, heartbeat};

/// Works one resource after the other, each from its claim to its settlement, when it is told to: the pump's work without
/// the pump.
#[derive(Debug)]
pub(crate) struct Stepper {
    executor: Arc<Executor>,
    finished: mpsc::UnboundedReceiver<Finished>,
    slots: Slots,
}

/// What becomes of an attempt's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is settled.
    Settle,
    /// It is forgotten, and so is the lease, as if the process died right after the work.
    Crash,
}

/// An attempt that has been made.
#[derive(Clone, Debug)]
pub struct Step {
    /// The resource's key.
    pub key: Key,
    /// The generation that was worked.
    pub generation: i64,
    /// Which attempt of the generation it was.
    pub attempt: i64,
    /// Whether its end is written.
    pub settled: bool,
}

impl Stepper {
    pub(crate) fn new(client: &AnyClient) -> Self {
        let (executor, finished) = Executor::new(client, &Stop::default());
        let kinds = executor.engine.kinds.values().map(|kind| (kind.name.clone(), kind.settings.parallelism));
        Self { slots: Slots::new(kinds), executor, finished }
    }

    /// Works the resource whose turn it is; `None` if none is due.
    ///
    /// # Errors
    ///
    /// Those of the claim. Whatever the store answers afterwards, it is asked again until the lease is over.
    pub(crate) async fn step(&mut self, fate: Fate) -> Result<Option<Step>> {
        // Of steps that were dropped in the middle.
        while self.finished.try_recv().is_ok() {}
        let asked = instant();
        let Some((row, lease)) = self.claim().await? else { return Ok(None) };
        let lease_end = asked + self.executor.engine.settings.lease;
        let renew_at = asked + heartbeat::renew_after(&self.executor);
        let _renewed = Renewed { executor: self.executor.clone(), token: lease.token };
        let ending = self.executor.in_flight.begin([lease], lease_end, renew_at).pop();
        let (key, generation, attempt) = (row.key.clone(), row.generation, row.attempt);
        if let Some(ending) = ending {
            self.work(row, ending).await;
        }
        let settled = match self.finished.recv().await {
            None => false,
            Some(finished) => self.end(Pending { finished, repeated: false }, fate, lease_end).await,
        };
        Ok(Some(Step { key, generation, attempt, settled }))
    }

    async fn claim(&mut self) -> Result<Option<(Resource, Due)>> {
        let mut session = self.executor.engine.session(Access::Write).await?;
        let claimed = self.claim_in(&mut *session).await;
        Engine::release(session, claimed.as_ref().err());
        claimed
    }

    async fn claim_in(&mut self, session: &mut dyn Session) -> Result<Option<(Resource, Due)>> {
        let engine = &self.executor.engine;
        let now = engine.now(session).await?;
        engine.refresh_policies(session, now).await?;
        let query = LaneQuery { now, namespaces: engine.worked.clone(), kinds: engine.kind_names() };
        let lanes = session.lanes_dyn(&query).await?;
        self.slots.replace(lanes, self.slots.last());
        loop {
            let lanes = self.slots.deal(1, |namespace| engine.namespace_settings(namespace).max_workers);
            let Some((lane, dealt)) = lanes.first().cloned() else { return Ok(None) };
            // One at a time: nothing runs beside it.
            self.slots.release(&lane, dealt);
            let request = ClaimRequest {
                now,
                owner: engine.owner,
                base: LeaseToken::new(engine.random.bits()),
                until: now + engine.settings.lease,
                lanes,
            };
            let claimed = session.claim_dyn(&Changeset::new(now), &request).await?;
            let leased = |row: Resource| {
                let due = Due { id: row.id, token: row.lease?.token };
                Some((row, due))
            };
            if let Some(claimed) = claimed.resources.into_iter().find_map(leased) {
                return Ok(Some(claimed));
            }
            // An open transaction holds what is due there.
            self.slots.exhaust(&lane, self.slots.last());
        }
    }

    async fn work(&self, row: Resource, ending: oneshot::Receiver<Ending>) {
        let Some(kind) = self.executor.engine.kinds.get(&row.key.kind) else { return };
        select! {
            biased;
            () = attempt::run(self.executor.clone(), kind.clone(), row, ending) => {}
            // Ends with the client, which is not running.
            () = heartbeat::run(self.executor.clone()) => {}
        }
    }

    /// Ends an attempt as it is fated. Says whether its end is written.
    async fn end(&self, pending: Pending, fate: Fate, lease_end: Instant) -> bool {
        let mut batch = vec![pending];
        loop {
            match self.end_once(&mut batch, fate).await {
                Ok(Some(settled)) => return settled,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "could not settle: tried again"),
            }
            if instant() >= lease_end {
                return false;
            }
            sleep(self.executor.interval() / 20).await;
        }
    }

    /// `None` while somebody has the row locked.
    async fn end_once(&self, batch: &mut Vec<Pending>, fate: Fate) -> Result<Option<bool>> {
        let mut session = self.executor.engine.session(Access::Write).await?;
        let settled = self.end_in(&mut *session, batch, fate).await;
        Engine::release(session, settled.as_ref().err());
        settled
    }

    async fn end_in(&self, session: &mut dyn Session, batch: &mut Vec<Pending>, fate: Fate) -> Result<Option<bool>> {
        let executor = &self.executor;
        executor.verify(session, batch).await?;
        if batch.is_empty() || fate == Fate::Crash {
            // What is gone from the batch, its worker has settled itself.
            return Ok(Some(batch.is_empty()));
        }
        let now = executor.engine.now(session).await?;
        let changes = executor.settlements(batch, now);
        if changes.changes.is_empty() {
            return Ok(Some(false));
        }
        let receipt = match session.commit_dyn(&changes).await {
            Ok(receipt) => receipt,
            Err(error) => {
                put_back(batch, changes, error.kind() == ErrorKind::Unavailable);
                return Err(error);
            }
        };
        let repeated = batch.iter().any(|pending| pending.repeated);
        let written = match receipt.outcomes.first() {
            Some(Outcome::Applied(_)) => true,
            // If the answer to the first try was lost, it was most likely that one which settled it.
            Some(Outcome::Lost | Outcome::Stale) => repeated,
            Some(Outcome::Busy) | None => false,
        };
        let left = executor.settled(std::mem::take(batch), changes, &receipt);
        *batch = left.busy;
        Ok(batch.is_empty().then_some(written))
    }
}

/// A lease while its step lasts: nobody renews it afterwards, even if the step is dropped.
struct Renewed {
    executor: Arc<Executor>,
    token: LeaseToken,
}

impl Drop for Renewed {
    fn drop(&mut self) {
        self.executor.in_flight.forget([self.token]);
    }
}
