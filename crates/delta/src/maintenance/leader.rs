use std::sync::Arc;
use std::time::Duration;

use delta_core::plan::schedule;
use delta_core::{Access, Changeset, Cursor, CursorQuery, Result, Session};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::clock::{instant, sleep};
use crate::engine::Engine;
use crate::executor::in_time;
use crate::maintenance::office;
use crate::metrics;

/// The longest lease of a leader.
const LONGEST: Duration = Duration::from_secs(15);

/// Leads whenever nobody else does, until `stop`; then resigns.
pub(super) async fn campaign(engine: Arc<Engine>, stop: CancellationToken) {
    let mut leader = Leader { lease: LONGEST.min(engine.settings.lease / 4), engine, good_until: instant() };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = leader.lead() => {}
        }
        // Somebody else leads, or nobody can: look again within a lease.
        let pause = leader.lease / 3;
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = sleep(pause + leader.engine.random.up_to(pause / 10)) => {}
        }
    }
    if let Ok(Err(error)) = timeout(leader.lease, leader.resign()).await {
        tracing::debug!(%error, "could not resign: another client leads once the lease is over");
    }
}

struct Leader {
    engine: Arc<Engine>,
    lease: Duration,
    /// Until when nobody else leads.
    good_until: Instant,
}

impl Leader {
    /// Leads for as long as it can.
    async fn lead(&mut self) {
        let renewed = in_time("find out who leads", self.lease, self.renew()).await;
        let term = match renewed {
            Ok(Some(term)) => term,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "could not find out who leads");
                return;
            }
        };
        tracing::info!(term, owner = %self.engine.owner, "leads");
        metrics::leader_changed();
        let engine = self.engine.clone();
        tokio::select! {
            biased;
            () = self.keep(term) => {}
            () = office::hold(engine, term) => {}
        }
        tracing::warn!(term, "leads no longer");
    }

    /// Returns once another may lead.
    async fn keep(&mut self, term: u64) {
        let mut pause = self.lease / 3;
        loop {
            sleep(pause).await;
            let good_until = self.good_until;
            match timeout_at(good_until, self.renew()).await {
                Ok(Ok(Some(now))) if now == term => pause = self.lease / 3,
                Ok(Err(error)) if instant() < self.good_until => {
                    tracing::warn!(%error, term, "the leader's lease could not be renewed");
                    pause = self.lease / 12;
                }
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Takes the lead or holds on to it: the term, or `None` if somebody else leads.
    async fn renew(&mut self) -> Result<Option<u64>> {
        let asked = instant();
        let mut session = self.engine.session(Access::Write).await?;
        let renewed = self.renew_in(&mut *session).await;
        Engine::release(session, renewed.as_ref().err());
        let term = renewed?;
        if term.is_some() {
            self.good_until = asked + self.lease / 4 * 3;
        }
        Ok(term)
    }

    async fn renew_in(&self, session: &mut dyn Session) -> Result<Option<u64>> {
        if !self.engine.is_certain(session).await? {
            tracing::warn!(uncertainty = ?self.engine.clock.uncertainty(), "does not lead, as the server's time is not known");
            return Ok(None);
        }
        let now = self.engine.now(session).await?;
        let leader = stored(session).await?.unwrap_or_else(|| Cursor::new(schedule::LEADER));
        let Some(leader) = schedule::lead(leader, self.engine.owner, now + self.lease, now) else { return Ok(None) };
        let term = schedule::term(&leader);
        let mut changes = Changeset { cursors: vec![leader.put()], ..Changeset::new(now) };
        let receipt = self.engine.commit(session, &mut changes).await?;
        Ok(receipt.lost_cursor.is_none().then_some(term))
    }

    async fn resign(&self) -> Result<()> {
        let mut session = self.engine.session(Access::Write).await?;
        let resigned = self.resign_in(&mut *session).await;
        Engine::release(session, resigned.as_ref().err());
        resigned
    }

    async fn resign_in(&self, session: &mut dyn Session) -> Result<()> {
        let now = self.engine.now(session).await?;
        let Some(leader) = stored(session).await?.and_then(|leader| schedule::release(leader, self.engine.owner))
        else {
            return Ok(());
        };
        let mut changes = Changeset { cursors: vec![leader.put()], ..Changeset::new(now) };
        self.engine.commit(session, &mut changes).await.map(|_| ())
    }
}

async fn stored(session: &mut dyn Session) -> Result<Option<Cursor>> {
    Ok(session.cursors_dyn(&CursorQuery::Names(vec![schedule::LEADER.to_owned()])).await?.pop())
}
