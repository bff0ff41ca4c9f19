use std::sync::Arc;
use std::time::Duration;

use delta_core::plan::schedule::{self, Begin, Pace, RunEnd};
use delta_core::{
    Access, Backoff, Change, Changeset, Cursor, CursorChange, CursorQuery, Error, ErrorKind, Locked, Owner, Receipt,
    Result, RetryPolicy, Session, Timestamp,
};
use tokio::time::{Instant, timeout, timeout_at};

use crate::clock::instant;
use crate::engine::{Engine, Kind};
use crate::informer::failure::Failure;
use crate::tasks;

/// Why a run takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The kind's turn has come.
    Turn,
    /// Somebody asked for it: the name of the request.
    Request(String),
    /// A caller waits for it.
    Here,
}

/// How a run ends, and what is left behind.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// Well; the mark of that name moves to that time.
    Done(Option<(String, Timestamp)>),
    /// In an error: tried again, or not until the next turn.
    Failed,
    /// Given back as if it had not been begun.
    Released,
}

/// The right to run the informer of a kind: the lease of its schedule, under an owner of this run's own, so that no
/// other run of this client has it either.
pub(super) struct Hold {
    held: Held,
    began: Timestamp,
    uncertainty: Duration,
    /// Until when it was surely not taken over.
    good_until: Instant,
    renew_at: Instant,
    ended: bool,
}

#[derive(Clone)]
struct Held {
    engine: Arc<Engine>,
    kind: Arc<Kind>,
    occasion: Occasion,
    owner: Owner,
    began: Timestamp,
}

impl Hold {
    /// Takes the right to run; `None` if somebody has it, or if there is nothing to run any more.
    pub(super) async fn take(engine: &Arc<Engine>, kind: &Arc<Kind>, occasion: Occasion) -> Result<Option<Self>> {
        let owner = Owner::new(engine.random.bits());
        let mut held =
            Held { engine: engine.clone(), kind: kind.clone(), occasion, owner, began: Timestamp::default() };
        let mut session = engine.session(Access::Write).await?;
        let asked = instant();
        let taken = held.take(&mut *session).await;
        Engine::release(session, taken.as_ref().err());
        Ok(taken?.then(|| {
            let lease = engine.settings.lease;
            Self {
                began: held.began,
                uncertainty: engine.clock.uncertainty(),
                good_until: asked + lease / 4 * 3,
                renew_at: asked + lease / 3,
                held,
                ended: false,
            }
        }))
    }

    /// When the run began, by the server's time.
    pub(super) fn began(&self) -> Timestamp {
        self.began
    }

    /// What was surely written before the run began, was written before this.
    pub(super) fn surely_before(&self) -> Timestamp {
        self.began - self.uncertainty
    }

    /// When to renew it.
    pub(super) fn renew_in(&self) -> Duration {
        self.renew_at.saturating_duration_since(instant())
    }

    /// Renews it. An outage is no loss yet.
    pub(super) async fn renew(&mut self) -> Result<(), Failure> {
        match self.write(Vec::new()).await {
            Err(Failure::Store(error)) if error.is_transient() => {
                tracing::warn!(kind = %self.held.kind.name, %error, "the lease of an informer's run could not be renewed");
                self.renew_at = instant() + self.held.engine.settings.lease / 12;
                self.check()
            }
            other => other.map(|_| ()),
        }
    }

    /// Fails once somebody else may have taken it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if instant() < self.good_until { Ok(()) } else { Err(Failure::TakenOver) }
    }

    /// Writes rows, fenced by the lease, and renews it.
    pub(super) async fn write(&mut self, changes: Vec<Change>) -> Result<Receipt, Failure> {
        self.check()?;
        let asked = instant();
        let Ok(written) = timeout_at(self.good_until, self.held.write(changes)).await else {
            return Err(Failure::TakenOver);
        };
        let receipt = written?;
        let lease = self.held.engine.settings.lease;
        self.good_until = asked + lease / 4 * 3;
        self.renew_at = asked + lease / 3;
        Ok(receipt)
    }

    /// Ends it. Returns where the mark stands.
    pub(super) async fn end(&mut self, ending: Ending) -> Result<Option<Timestamp>, Failure> {
        let mark = self.held.end(ending).await?;
        self.ended = true;
        Ok(mark)
    }

    /// Somebody else has it: there is nothing to end.
    pub(super) fn abandon(&mut self) {
        self.ended = true;
    }
}

impl Drop for Hold {
    /// Whoever drops a run gives it back at once, where there is still a runtime to do that.
    fn drop(&mut self) {
        if !self.ended && tokio::runtime::Handle::try_current().is_ok() {
            let held = self.held.clone();
            tasks::spawn(&self.held.engine.tasks, async move {
                if let Err(failure) = held.end(Ending::Released).await {
                    tracing::debug!(kind = %held.kind.name, %failure, "the lease of an informer's run could not be given back");
                }
            });
        }
    }
}

impl Held {
    fn pace(&self) -> Pace {
        self.engine.pace(&self.kind)
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec![schedule::schedule_name(&self.kind.name)];
        if let Occasion::Request(name) = &self.occasion {
            names.push(name.clone());
        }
        names
    }

    async fn take(&mut self, session: &mut dyn Session) -> Result<bool> {
        // The begin carries the high-water mark: it is the server's own time, not what is reckoned from an older sample.
        self.engine.sample_clock(session).await?;
        if !self.engine.is_certain(session).await? {
            let what = format!("the server's time is known to {:?} only", self.engine.clock.uncertainty());
            return Err(Error::new(ErrorKind::Unavailable, "begin a run of an informer", what));
        }
        let now = self.engine.now(session).await?;
        self.began = now;
        let until = now + self.engine.settings.lease;
        let mut cursors = read(session, self.names()).await?;
        let schedule = pick(&mut cursors, &schedule::schedule_name(&self.kind.name)).unwrap_or_else(|| self.fresh());
        let begun = match &self.occasion {
            Occasion::Turn => match schedule::begin_turn(schedule, self.owner, until, self.pace(), now) {
                None => None,
                Some(Begin::Run(schedule)) => Some((true, vec![schedule.put()])),
                Some(Begin::GiveUp(change)) => Some((false, vec![change])),
            },
            Occasion::Request(name) => {
                match pick(&mut cursors, name).filter(|request| schedule::is_due(request, now)) {
                    None => None,
                    Some(request) => match schedule::begin_request(request) {
                        Begin::GiveUp(change) => Some((false, vec![change])),
                        Begin::Run(request) => schedule::take(schedule, self.owner, until, now)
                            .map(|schedule| (true, vec![schedule.put(), request.put()])),
                    },
                }
            }
            Occasion::Here => {
                schedule::take(schedule, self.owner, until, now).map(|schedule| (true, vec![schedule.put()]))
            }
        };
        let Some((runs, cursors)) = begun else { return Ok(false) };
        if !runs {
            tracing::error!(kind = %self.kind.name, "an informer's run ended without a word too often, and is given up");
        }
        let receipt = self.engine.commit(session, &mut Changeset { cursors, ..Changeset::new(now) }).await?;
        Ok(runs && receipt.lost_cursor.is_none())
    }

    /// The schedule of a kind that has none yet: it is as if it had been aligned.
    fn fresh(&self) -> Cursor {
        Cursor::new(schedule::schedule_name(&self.kind.name))
    }

    async fn write(&self, changes: Vec<Change>) -> Result<Receipt, Failure> {
        let mut session = self.engine.session(Access::Write).await?;
        let written = self.write_in(&mut *session, changes).await;
        Engine::release(session, written.as_ref().err());
        let receipt = written?.filter(|receipt| receipt.lost_cursor.is_none());
        receipt.ok_or(Failure::TakenOver)
    }

    async fn write_in(&self, session: &mut dyn Session, changes: Vec<Change>) -> Result<Option<Receipt>> {
        let now = self.engine.now(session).await?;
        // Read each time: after an answer that was lost, only the store knows which version it has.
        let mut cursors = read(session, vec![schedule::schedule_name(&self.kind.name)]).await?;
        let until = now + self.engine.settings.lease;
        let Some(schedule) = cursors.pop().and_then(|cursor| schedule::renew(cursor, self.owner, until)) else {
            return Ok(None);
        };
        let mut changes =
            Changeset { changes, cursors: vec![schedule.put()], locked: Locked::Skip, ..Changeset::new(now) };
        self.engine.commit(session, &mut changes).await.map(Some)
    }

    async fn end(&self, ending: Ending) -> Result<Option<Timestamp>, Failure> {
        // A stop waits for it: if it takes longer, the lease comes to its end by itself.
        let limit = self.engine.settings.heartbeat_interval();
        let ended = timeout(limit, async {
            let mut session = self.engine.session(Access::Write).await?;
            let ended = self.end_in(&mut *session, ending).await;
            Engine::release(session, ended.as_ref().err());
            ended
        });
        let ended = ended.await.unwrap_or_else(|_| {
            let what = format!("expected an answer within {limit:?}, found none");
            Err(Error::new(ErrorKind::Unavailable, "end a run of an informer", what))
        });
        ended?.ok_or(Failure::TakenOver)
    }

    /// The outer option: whether the run could be ended; the inner: where the mark stands.
    async fn end_in(&self, session: &mut dyn Session, ending: Ending) -> Result<Option<Option<Timestamp>>> {
        let now = self.engine.now(session).await?;
        let mut names = self.names();
        if let Ending::Done(Some((mark, _))) = &ending {
            names.push(mark.clone());
        }
        let mut cursors = read(session, names).await?;
        let Some(schedule) = pick(&mut cursors, &schedule::schedule_name(&self.kind.name)) else { return Ok(None) };
        let request = match &self.occasion {
            Occasion::Request(name) => pick(&mut cursors, name),
            Occasion::Turn | Occasion::Here => None,
        };
        let tries = schedule::tries(request.as_ref().unwrap_or(&schedule));
        let end = match &ending {
            Ending::Done(_) => RunEnd::Done,
            Ending::Failed => RunEnd::Failed(Backoff::DEFAULT.delay(i64::from(tries), self.engine.random.unit())),
            Ending::Released => RunEnd::Released,
        };
        let schedule = match &self.occasion {
            Occasion::Turn => schedule::end_turn(schedule, self.owner, end, self.pace(), self.began, now),
            Occasion::Request(_) | Occasion::Here => schedule::release(schedule, self.owner),
        };
        let Some(schedule) = schedule else { return Ok(None) };
        let mut changes = vec![schedule.put()];
        if let Some(request) = request {
            let ended = schedule::end_request(request, end, now);
            if let (CursorChange::Remove { name, .. }, RunEnd::Failed(_)) = (&ended, end) {
                tracing::error!(request = %name, tries, "a run that was asked for failed too often, and is given up");
            }
            changes.push(ended);
        }
        let mut stands = None;
        if let Ending::Done(Some((name, to))) = ending {
            let mark = pick(&mut cursors, &name).unwrap_or_else(|| Cursor::new(name));
            let moved = schedule::advance(&mark, to);
            stands = schedule::high_water(moved.as_ref().unwrap_or(&mark));
            changes.extend(moved.map(Cursor::put));
        }
        let receipt = self.engine.commit(session, &mut Changeset { cursors: changes, ..Changeset::new(now) }).await?;
        Ok(receipt.lost_cursor.is_none().then_some(stands))
    }
}

impl Engine {
    /// How often the informer of a kind has its turn, with a jitter drawn anew.
    pub(super) fn pace(&self, kind: &Kind) -> Pace {
        Pace {
            interval: kind.settings.inform_interval.or(self.settings.inform_interval),
            jitter: self.random.up_to(self.settings.inform_jitter),
        }
    }
}

async fn read(session: &mut dyn Session, names: Vec<String>) -> Result<Vec<Cursor>> {
    session.cursors_dyn(&CursorQuery::Names(names)).await
}

fn pick(cursors: &mut Vec<Cursor>, name: &str) -> Option<Cursor> {
    let index = cursors.iter().position(|cursor| cursor.name == name)?;
    Some(cursors.swap_remove(index))
}
