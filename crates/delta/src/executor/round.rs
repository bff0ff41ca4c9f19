use std::mem;

use delta_core::plan::Report;
use delta_core::{
    Changeset, ClaimRequest, Error, ErrorKind, Lane, LaneQuery, LeaseToken, Resource, Result, Session, Timestamp,
};
use tokio::time::Instant;

use crate::clock::instant;
use crate::executor::alone::{Batch, Company};
use crate::executor::attempt::{self, Finished, settlement};
use crate::executor::in_flight::Due;
use crate::executor::pump::{BATCH, Mode, Pump};
use crate::executor::settle::{Left, Pending, put_back};
use crate::executor::{heartbeat, in_time};
use crate::{metrics, tasks};

/// One round trip of settling and claiming.
impl Pump {
    pub(super) async fn round(&mut self) -> Result<()> {
        let executor = self.executor.clone();
        let mut used =
            in_time("acquire a connection", executor.patience(), executor.held.take(executor.interval())).await?;
        let done = self.round_on(used.session()?).await;
        used.end(done.as_ref().err());
        done
    }

    async fn round_on(&mut self, session: &mut dyn Session) -> Result<()> {
        let looked = self.look_around(session).await;
        if looked.as_ref().is_err_and(Error::is_transient) {
            return looked.map(drop);
        }
        let mut batch: Vec<Pending> = self.reports.drain(..self.reports.len().min(BATCH)).collect();
        let sent = match self.prepare(session, &mut batch).await {
            Ok(now) => {
                // What cannot be looked for is not claimed either; what is finished is settled all the same.
                let lanes = if *looked.as_ref().unwrap_or(&false) { self.deal() } else { Vec::new() };
                if batch.is_empty() && lanes.is_empty() {
                    return looked.map(drop);
                }
                self.settle_and_claim(session, &mut batch, lanes, now).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            self.refused(batch, &error);
            return Err(error);
        }
        looked.map(drop)
    }

    /// Finds out where there is something to claim. Says whether claiming is allowed at all.
    async fn look_around(&mut self, session: &mut dyn Session) -> Result<bool> {
        if self.mode == Mode::Stopping || !self.is_certain(session).await? {
            return Ok(false);
        }
        if self.look && self.slots.any_free() {
            let executor = self.executor.clone();
            let engine = &executor.engine;
            let now = engine.now(session).await?;
            in_time("read settings", executor.patience(), engine.refresh_policies(session, now)).await?;
            let query = LaneQuery { now, namespaces: engine.worked.clone(), kinds: engine.kind_names() };
            let lanes = in_time("look for work", executor.patience(), session.lanes_dyn(&query)).await?;
            self.slots.replace(lanes);
            self.look = false;
        }
        Ok(true)
    }

    /// Leaves in the batch what there is to settle, and says what time it is.
    async fn prepare(&mut self, session: &mut dyn Session, batch: &mut Vec<Pending>) -> Result<Timestamp> {
        let left = self.executor.verify(session, batch).await?;
        self.keep(left);
        self.executor.engine.now(session).await
    }

    async fn settle_and_claim(
        &mut self,
        session: &mut dyn Session,
        batch: &mut Vec<Pending>,
        lanes: Vec<(Lane, u32)>,
        now: Timestamp,
    ) -> Result<()> {
        let executor = self.executor.clone();
        let asked = instant();
        let changes = executor.settlements(batch, now);
        let request = ClaimRequest {
            now,
            owner: executor.engine.owner,
            base: LeaseToken::new(executor.engine.random.bits()),
            until: now + executor.engine.settings.lease,
            lanes,
        };
        let claimed = in_time("settle and claim", executor.patience(), session.claim_dyn(&changes, &request)).await;
        let claimed = match claimed {
            Ok(claimed) => claimed,
            Err(error) => {
                put_back(batch, changes, error.kind() == ErrorKind::Unavailable);
                return Err(error);
            }
        };
        metrics::round(batch.len(), claimed.resources.len(), instant() - asked);
        let left = executor.settled(mem::take(batch), changes, &claimed.receipt);
        for (lane, most) in &request.lanes {
            let of_lane = |row: &&Resource| row.key.kind == lane.kind && row.key.namespace == lane.namespace;
            if (claimed.resources.iter().filter(of_lane).count() as u64) < u64::from(*most) {
                self.slots.exhaust(lane);
            }
        }
        self.keep(left);
        self.begin(claimed.resources, asked);
        self.again |= self.has_room();
        Ok(())
    }

    /// Whether the clock is good enough to give leases an end by.
    async fn is_certain(&mut self, session: &mut dyn Session) -> Result<bool> {
        let executor = self.executor.clone();
        let engine = &executor.engine;
        let certain = in_time("sample the clock", executor.patience(), engine.is_certain(session)).await?;
        if !certain && self.mode == Mode::Working {
            let uncertainty = engine.clock.uncertainty();
            tracing::warn!(?uncertainty, "the server's time is known too badly: nothing is claimed until it is not");
        }
        self.mode = if certain { Mode::Working } else { Mode::Uncertain };
        Ok(certain)
    }

    fn deal(&mut self) -> Vec<(Lane, u32)> {
        let engine = self.executor.engine.clone();
        let most = u32::try_from(BATCH).unwrap_or(u32::MAX);
        self.slots.deal(most, |namespace| engine.namespace_settings(namespace).max_workers)
    }

    fn keep(&mut self, left: Left) {
        let now = instant();
        self.alone.add(left.busy, Company::Busy, now, self.executor.engine.random.unit());
        if self.mode == Mode::Stopping {
            // For whoever goes on working.
            self.executor
                .engine
                .wake(left.again.into_iter().filter(|(_, delay)| delay.is_zero()).map(|(lane, _)| lane));
            return;
        }
        for (lane, delay) in left.again {
            if delay.is_zero() {
                self.slots.activate(lane);
            } else if delay < self.executor.engine.settings.poll_interval {
                self.later.add(lane, now + delay);
            }
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
        let sent = in_time("settle", executor.patience(), async {
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
                match batch.company {
                    _ if error.is_transient() => {}
                    // Its lease is left to end: then a rescue records the attempt, and this settlement is lost.
                    Company::Nobody => {
                        executor.in_flight.forget(batch.pending.iter().map(|pending| pending.finished.token));
                    }
                    // One of them may be why, and holds up none of the others.
                    Company::Busy => batch.company = Company::Nobody,
                }
                self.alone.put_back(batch, instant(), unit);
                Err(error)
            }
        }
    }
}
