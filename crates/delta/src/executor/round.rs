use std::sync::Arc;

use delta_core::{Changeset, ClaimRequest, Claimed, Error, ErrorKind, Lane, LeaseToken, Resource, Result, Session};
use futures::FutureExt as _;
use tokio::time::Instant;

use crate::clock::instant;
use crate::executor::alone::{Batch, Company};
use crate::executor::held::InUse;
use crate::executor::in_flight::Due;
use crate::executor::lines::{Answered, Arrived, Line, Looked, Ready, Sent, Tried, prepare};
use crate::executor::pump::{BATCH, Mode, Pump};
use crate::executor::settle::{Left, Pending, put_back};
use crate::executor::waiting::Queued;
use crate::executor::{Executor, heartbeat, in_time};
use crate::metrics;

/// One round trip of settling and claiming, step by step: a connection, and where there is work; then what is finished by
/// that time is sent, and what is free is asked for; then the answer is taken in.
impl Pump {
    pub(super) fn begin_round(&mut self, line: Line) {
        let working = self.mode != Mode::Stopping;
        let looks = line == Line::First && self.look && self.slots.any_free();
        let look = looks.then(|| self.slots.last());
        self.lines.begin(line, prepare(self.executor.clone(), line, working, look).boxed());
    }

    pub(super) fn arrived(&mut self, arrived: Arrived) {
        match arrived {
            Arrived::Ready(line, Ok(ready)) => self.send(line, ready),
            Arrived::Ready(Line::First, Err(error)) => self.went_round(Line::First, Some(&error)),
            // All connections are in use, and the first line is not out of work.
            Arrived::Ready(Line::Second, Err(error)) => {
                tracing::debug!(%error, "no second connection");
                self.lines.end(Line::Second);
                self.lines.put_off_second();
            }
            Arrived::Answered(line, answered) => self.answered(line, *answered),
            Arrived::Tried(tried) => self.tried(*tried),
        }
    }

    /// Sends what is finished, and asks for what is free.
    fn send(&mut self, line: Line, ready: Ready) {
        let Ready { used, looked } = ready;
        let (looked, failed) = match looked {
            Err(error) if error.is_transient() => {
                used.end(Some(&error));
                return self.went_round(line, Some(&error));
            }
            // What cannot be looked for is not claimed either; what is finished is settled all the same.
            Err(error) => (Looked::default(), Some(error)),
            Ok(looked) => (looked, None),
        };
        if failed.is_none() {
            self.note(&looked);
        }
        if let Some((lanes, asked)) = looked.lanes {
            self.slots.replace(lanes, asked);
            self.look = false;
        }
        let batch: Vec<Pending> = self.reports.drain(..self.reports.len().min(BATCH)).collect();
        self.first_report = (!self.reports.is_empty()).then(instant);
        let lanes = if looked.certain && self.mode == Mode::Working { self.deal() } else { Vec::new() };
        if batch.is_empty() && lanes.is_empty() {
            used.end(failed.as_ref());
            return self.went_round(line, failed.as_ref());
        }
        let sent = Sent { batch, lanes, activation: self.slots.last(), failed };
        self.lines.begin(line, exchange(self.executor.clone(), line, used, sent).boxed());
    }

    /// Notes whether the clock is good enough to give leases an end by.
    fn note(&mut self, looked: &Looked) {
        if self.mode == Mode::Stopping {
            return;
        }
        if !looked.certain && self.mode == Mode::Working {
            let uncertainty = self.executor.engine.clock.uncertainty();
            tracing::warn!(?uncertainty, "the server's time is known too badly: nothing is claimed until it is not");
        }
        self.mode = if looked.certain { Mode::Working } else { Mode::Uncertain };
    }

    fn deal(&mut self) -> Vec<(Lane, u32)> {
        self.look_ahead();
        let engine = self.executor.engine.clone();
        // Half of what may be claimed for each line, so that neither leaves the other without.
        let most = if self.executor.held.has_several() { BATCH / 2 } else { BATCH };
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        self.slots.deal(most, |namespace| engine.namespace_settings(namespace).max_workers)
    }

    /// Takes in the answer to a round.
    fn answered(&mut self, line: Line, answered: Answered) {
        let Answered { sent, verified, changes, asked, answer } = answered;
        let Sent { mut batch, lanes, activation, failed } = sent;
        self.keep(verified);
        let claimed = match answer {
            Ok(claimed) => claimed,
            Err(error) => {
                if let Some(changes) = changes {
                    put_back(&mut batch, changes, error.kind() == ErrorKind::Unavailable);
                }
                for (lane, dealt) in lanes {
                    self.slots.release(&lane, dealt);
                }
                self.refused(batch, &error);
                return self.went_round(line, Some(&error));
            }
        };
        let Some((Claimed { receipt, resources }, changes)) = claimed.zip(changes) else {
            // Nothing was left to send.
            return self.went_round(line, failed.as_ref());
        };
        metrics::round(batch.len(), resources.len(), instant() - asked);
        let left = self.executor.settled(batch, changes, &receipt);
        self.backlog = false;
        for (lane, dealt) in &lanes {
            let of_lane = |row: &&Resource| row.key.kind == lane.kind && row.key.namespace == lane.namespace;
            let taken = u32::try_from(resources.iter().filter(of_lane).count()).unwrap_or(u32::MAX);
            if taken < *dealt {
                self.slots.release(lane, dealt - taken);
                self.slots.exhaust(lane, activation);
            } else {
                self.backlog = true;
            }
        }
        self.look_ahead();
        self.keep(left);
        self.queue(resources, asked);
        self.again |= self.has_room();
        self.went_round(line, failed.as_ref());
    }

    pub(super) fn keep(&mut self, left: Left) {
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

    /// Lets what was claimed wait for its slot, or gives back what came too late.
    fn queue(&mut self, rows: Vec<Resource>, asked: Instant) {
        if rows.is_empty() {
            return;
        }
        let executor = self.executor.clone();
        let since = instant();
        let lease_end = asked + executor.engine.settings.lease;
        let late = since + executor.interval() > lease_end;
        if late || executor.stop.soft.is_cancelled() {
            if late {
                metrics::late(rows.len() as u64);
                tracing::warn!(resources = rows.len(), "claim was answered too late: given back");
            }
            for row in &rows {
                self.give_back(row);
            }
            return;
        }
        let lease = |row: &Resource| row.lease.map(|lease| Due { id: row.id, token: lease.token });
        let renew_at = asked + heartbeat::renew_after(&executor);
        let endings = executor.in_flight.begin(rows.iter().filter_map(lease), lease_end, renew_at);
        for (row, ending) in rows.into_iter().filter(|row| row.lease.is_some()).zip(endings) {
            self.waiting.push(Queued { row, ending, since });
        }
    }

    /// Keeps a batch that could not be sent. If the same again would fail again, one of it may be why: each is tried alone,
    /// and holds up none of the others.
    fn refused(&mut self, batch: Vec<Pending>, error: &Error) {
        if error.is_transient() {
            for pending in batch.into_iter().rev() {
                self.reports.push_front(pending);
            }
            self.first_report = (!self.reports.is_empty()).then(instant);
        } else {
            self.alone.add(batch, Company::Nobody, instant(), 0.0);
        }
    }

    /// Settles what is to be tried apart from the others.
    pub(super) fn settle_alone(&mut self) {
        let batches = self.alone.take_due(instant());
        self.try_next(batches);
    }

    fn try_next(&mut self, mut batches: Vec<Batch>) {
        if batches.is_empty() {
            return self.lines.end(Line::First);
        }
        let batch = batches.remove(0);
        self.lines.begin(Line::First, settle_batch(self.executor.clone(), batch, batches).boxed());
    }

    fn tried(&mut self, tried: Tried) {
        let Tried { mut batch, changes, answer, rest } = tried;
        let unit = self.executor.engine.random.unit();
        match answer {
            Ok(receipt) => {
                let changes = changes.unwrap_or_else(|| Changeset::new(delta_core::Timestamp::EPOCH));
                let tried = Batch { pending: Vec::new(), ..batch };
                let left = self.executor.settled(batch.pending, changes, &receipt);
                self.alone.put_back(Batch { pending: left.busy, ..tried }, instant(), unit);
                self.keep(Left { busy: Vec::new(), again: left.again });
            }
            Err(error) => {
                metrics::error("pump", &error);
                tracing::warn!(%error, "could not settle: tried again");
                if let Some(changes) = changes {
                    put_back(&mut batch.pending, changes, error.kind() == ErrorKind::Unavailable);
                }
                match batch.company {
                    _ if error.is_transient() => {}
                    // Its lease is left to end: then a rescue records the attempt, and this settlement is lost.
                    Company::Nobody => {
                        self.executor.in_flight.forget(batch.pending.iter().map(|pending| pending.finished.token));
                    }
                    // One of them may be why, and holds up none of the others.
                    Company::Busy => batch.company = Company::Nobody,
                }
                self.alone.put_back(batch, instant(), unit);
            }
        }
        self.try_next(rest);
    }
}

async fn exchange(executor: Arc<Executor>, line: Line, mut used: InUse, mut sent: Sent) -> Arrived {
    let asked = instant();
    let (mut verified, mut changes) = (Left::default(), None);
    let answer = match used.session() {
        Ok(session) => settle_and_claim(&executor, session, &mut sent, &mut verified, &mut changes).await,
        Err(error) => Err(error),
    };
    used.end(answer.as_ref().err());
    Arrived::Answered(line, Box::new(Answered { sent, verified, changes, asked, answer }))
}

async fn settle_and_claim(
    executor: &Executor,
    session: &mut dyn Session,
    sent: &mut Sent,
    verified: &mut Left,
    changes: &mut Option<Changeset>,
) -> Result<Option<Claimed>> {
    *verified = executor.verify(session, &mut sent.batch).await?;
    let now = executor.engine.now(session).await?;
    if sent.batch.is_empty() && sent.lanes.is_empty() {
        return Ok(None);
    }
    let changes = changes.insert(executor.settlements(&mut sent.batch, now));
    let request = ClaimRequest {
        now,
        owner: executor.engine.owner,
        base: LeaseToken::new(executor.engine.random.bits()),
        until: now + executor.engine.settings.lease,
        lanes: sent.lanes.clone(),
    };
    in_time("settle and claim", executor.patience(), session.claim_dyn(changes, &request)).await.map(Some)
}

async fn settle_batch(executor: Arc<Executor>, mut batch: Batch, rest: Vec<Batch>) -> Arrived {
    let mut changes = None;
    let answer = in_time("settle", executor.patience(), async {
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
    let answer = answer.await;
    Arrived::Tried(Box::new(Tried { batch, changes, answer, rest }))
}
