use delta_core::plan::Report;
use delta_core::{
    Changeset, ClaimRequest, Claimed, Error, ErrorKind, Lane, LaneQuery, LeaseToken, Resource, Result, Session,
};
use tokio::time::Instant;

use crate::clock::instant;
use crate::executor::alone::{Batch, Company};
use crate::executor::attempt::{self, Finished, settlement};
use crate::executor::heartbeat;
use crate::executor::in_flight::Due;
use crate::executor::pump::{BATCH, Pump, Stage};
use crate::executor::settle::{Left, Pending, put_back};
use crate::{metrics, tasks};

/// One round trip of settling and claiming.
impl Pump {
    pub(super) async fn round(&mut self) -> Result<()> {
        let executor = self.executor.clone();
        let mut used = executor.in_time("acquire a connection", executor.held.take(executor.interval())).await?;
        let done = self.round_on(used.session()?).await;
        used.end(done.as_ref().err());
        done
    }

    async fn round_on(&mut self, session: &mut dyn Session) -> Result<()> {
        let executor = self.executor.clone();
        let claims = self.stage == Stage::Working && self.is_certain(session).await?;
        if claims && self.look && self.slots.any_free() {
            self.look_around(session).await?;
        }
        let mut batch: Vec<Pending> = self.reports.drain(..self.reports.len().min(BATCH)).collect();
        match executor.verify(session, &mut batch).await {
            Ok(left) => self.keep(left),
            Err(error) => {
                self.refused(batch, &error);
                return Err(error);
            }
        }
        let most = u32::try_from(BATCH).unwrap_or(u32::MAX);
        let lanes = if claims { self.deal(most) } else { Vec::new() };
        if batch.is_empty() && lanes.is_empty() {
            return Ok(());
        }
        let asked = instant();
        let now = executor.engine.now(session).await;
        let now = match now {
            Ok(now) => now,
            Err(error) => {
                self.refused(batch, &error);
                return Err(error);
            }
        };
        let changes = executor.settlements(&mut batch, now);
        let request = ClaimRequest {
            now,
            owner: executor.engine.owner,
            base: LeaseToken::new(executor.engine.random.bits()),
            until: now + executor.engine.settings.lease,
            lanes,
        };
        match executor.in_time("settle and claim", session.claim_dyn(&changes, &request)).await {
            Ok(claimed) => {
                metrics::round(batch.len(), claimed.resources.len(), instant() - asked);
                self.done(batch, changes, &request, claimed, asked);
                Ok(())
            }
            Err(error) => {
                put_back(&mut batch, changes, error.kind() == ErrorKind::Unavailable);
                self.refused(batch, &error);
                Err(error)
            }
        }
    }

    /// Whether the clock is good enough to give leases an end by.
    async fn is_certain(&mut self, session: &mut dyn Session) -> Result<bool> {
        let executor = self.executor.clone();
        let (clock, allowed) = (&executor.engine.clock, executor.engine.settings.lease / 8);
        if clock.uncertainty() > allowed {
            executor.in_time("sample the clock", executor.engine.sample_clock(session)).await?;
        }
        let uncertainty = clock.uncertainty();
        let certain = uncertainty <= allowed;
        if !certain && !self.uncertain {
            tracing::warn!(
                ?uncertainty,
                ?allowed,
                "the server's time is too uncertain: nothing is claimed until it is not"
            );
        }
        self.uncertain = !certain;
        Ok(certain)
    }

    async fn look_around(&mut self, session: &mut dyn Session) -> Result<()> {
        let executor = self.executor.clone();
        let engine = &executor.engine;
        let now = engine.now(session).await?;
        executor.in_time("read settings", engine.refresh_policies(session, now)).await?;
        let query = LaneQuery { now, namespaces: engine.worked.clone(), kinds: engine.kind_names() };
        let lanes = executor.in_time("look for work", session.lanes_dyn(&query)).await?;
        self.slots.replace(lanes);
        self.look = false;
        Ok(())
    }

    fn deal(&mut self, most: u32) -> Vec<(Lane, u32)> {
        let engine = self.executor.engine.clone();
        self.slots.deal(most, |namespace| engine.namespace_settings(namespace).max_workers)
    }

    fn done(
        &mut self,
        batch: Vec<Pending>,
        changes: Changeset,
        request: &ClaimRequest,
        claimed: Claimed,
        asked: Instant,
    ) {
        let left = self.executor.settled(batch, changes, &claimed.receipt);
        for (lane, most) in &request.lanes {
            let found =
                claimed.resources.iter().filter(|row| row.key.kind == lane.kind && row.key.namespace == lane.namespace);
            if (found.count() as u64) < u64::from(*most) {
                self.slots.exhaust(lane);
            }
        }
        self.keep(left);
        self.begin(claimed.resources, asked);
        self.again |= self.has_room();
    }

    fn keep(&mut self, left: Left) {
        self.alone.add(left.busy, Company::Busy, instant(), self.executor.engine.random.unit());
        for lane in left.again {
            self.slots.activate(lane);
        }
        self.again |= self.has_room();
    }

    /// Starts attempts, or gives back what came too late to.
    fn begin(&mut self, rows: Vec<Resource>, asked: Instant) {
        if rows.is_empty() {
            return;
        }
        let executor = self.executor.clone();
        let lease_end = asked + executor.engine.settings.lease;
        let late = instant() + executor.interval() > lease_end;
        if late || executor.stop.soft.is_cancelled() {
            if late {
                metrics::late(rows.len() as u64);
                tracing::warn!(resources = rows.len(), "claim was answered too late: given back");
            }
            self.give_back(&rows);
            return;
        }
        let lease = |row: &Resource| row.lease.map(|lease| Due { id: row.id, token: lease.token });
        let renew_at = asked + heartbeat::renew_after(&executor);
        let endings = executor.in_flight.begin(rows.iter().filter_map(lease), lease_end, renew_at);
        for (row, ending) in rows.into_iter().filter(|row| row.lease.is_some()).zip(endings) {
            let Some(kind) = executor.engine.kinds.get(&row.key.kind) else { continue };
            self.slots.begin(&row.key.lane());
            tasks::spawn(&executor.stop.tasks, attempt::run(executor.clone(), kind.clone(), row, ending));
        }
    }

    fn give_back(&mut self, rows: &[Resource]) {
        for row in rows {
            let Some((kind, lease)) = self.executor.engine.kinds.get(&row.key.kind).zip(row.lease) else { continue };
            let end = settlement(&self.executor, kind, row, &Report::Released(std::time::Duration::ZERO));
            let finished = Finished { id: row.id, token: lease.token, key: row.key.clone(), end };
            self.reports.push_back(Pending { finished, repeated: false });
        }
    }

    /// Keeps a batch that could not be sent. If the same again would fail again, one of it may be why: each is tried alone,
    /// and holds up none of the others.
    fn refused(&mut self, batch: Vec<Pending>, error: &Error) {
        if error.is_transient() {
            for pending in batch.into_iter().rev() {
                self.reports.push_front(pending);
            }
        } else {
            self.alone.add(batch, Company::Nobody, instant(), 0.0);
        }
    }

    /// Settles what is to be tried apart from the others.
    pub(super) async fn settle_alone(&mut self) {
        for batch in self.alone.take_due(instant()) {
            if let Err(error) = self.settle_batch(batch).await {
                metrics::error("pump", &error);
                tracing::warn!(%error, "could not settle: tried again");
            }
        }
    }

    async fn settle_batch(&mut self, mut batch: Batch) -> Result<()> {
        let executor = self.executor.clone();
        let mut changes = None;
        let sent = executor.in_time("settle", async {
            let mut used = executor.held.take(executor.interval()).await?;
            let sent = async {
                let session = used.session()?;
                executor.verify(session, &mut batch.pending).await?;
                let now = executor.engine.now(session).await?;
                let changes = changes.insert(executor.settlements(&mut batch.pending, now));
                session.commit_dyn(changes).await
            }
            .await;
            used.end(sent.as_ref().err());
            sent
        });
        let sent = sent.await;
        let unit = executor.engine.random.unit();
        match sent {
            Ok(receipt) => {
                let changes = changes.unwrap_or_else(|| Changeset::new(delta_core::Timestamp::EPOCH));
                let tried = Batch { pending: Vec::new(), ..batch };
                let left = executor.settled(batch.pending, changes, &receipt);
                self.alone.put_back(Batch { pending: left.busy, ..tried }, instant(), unit);
                self.keep(Left { busy: Vec::new(), again: left.again });
                Ok(())
            }
            Err(error) => {
                if let Some(changes) = changes {
                    put_back(&mut batch.pending, changes, error.kind() == ErrorKind::Unavailable);
                }
                if !error.is_transient() && batch.company == Company::Nobody {
                    // Its lease is left to end: then a rescue records the attempt, and this settlement is lost.
                    executor.in_flight.forget(batch.pending.iter().map(|pending| pending.finished.token));
                }
                self.alone.put_back(batch, instant(), unit);
                Err(error)
            }
        }
    }
}
