use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delta_core::{EventKind, Reason, Resource, ResourceId, Scope, State, Subject, Timestamp};

use super::clocks::Clocks;
use super::invariant::Invariant;
use crate::history::{Entry, What};

/// Nothing is claimed before its time or while its kind or namespace is paused, and nothing expires or is purged before its
/// period is over.
///
/// By the time of the entry, with the error of the [`Clocks`] that decided it. Periods are those of [`What::Periods`], and
/// are not looked at where a history has none. What rescues early is seen by [`OneLease`](super::OneLease), what claims the
/// paused or unknown by [`LegalTransitions`](super::LegalTransitions).
#[derive(Debug, Default)]
pub struct NothingEarly {
    clocks: Clocks,
    paused: BTreeSet<Scope>,
    periods: Option<Periods>,
    /// When what has expired had been synced, by its generation since.
    expired: BTreeMap<(ResourceId, i64), Timestamp>,
}

/// The shortest that anybody has; `None` is never.
#[derive(Clone, Copy, Debug)]
struct Periods {
    expiry: Option<Duration>,
    deleted: Option<Duration>,
    degraded: Option<Duration>,
    synced: Option<Duration>,
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

impl NothingEarly {
    /// With clocks of such an error.
    #[must_use]
    pub fn new(clocks: Clocks) -> Self {
        Self { clocks, ..Self::default() }
    }

    fn claimed(&self, entry: &Entry, before: &Resource, after: &Resource) -> Result<(), String> {
        let scopes = [Scope::Kind(after.key.kind.clone()), Scope::Namespace(after.key.namespace.clone())];
        if let Some(scope) = scopes.iter().find(|scope| self.paused.contains(scope)) {
            return Err(format!("expected nothing to be claimed while {scope} is paused, found {}", entry.what));
        }
        // Of a settlement and the claim that travels with it, nobody saw what was between them.
        let alone = before.lease.is_none() && after.version == before.version + 1;
        if let Some(run_at) = before.run_at.filter(|run_at| alone && !self.clocks.may_be_past(*run_at, entry.at)) {
            return Err(format!("expected no claim before {run_at}, found {entry}"));
        }
        Ok(())
    }

    fn period_over(&self, since: Timestamp, period: Option<Duration>, entry: &Entry) -> Result<(), String> {
        match period {
            Some(period) if self.clocks.may_be_past(since + period, entry.at) => Ok(()),
            Some(period) => Err(format!("expected it no earlier than {period:?} after {since}, found {entry}")),
            None => Err(format!("expected it never, as nobody has a period for it, found {entry}")),
        }
    }

    fn purged(&self, entry: &Entry, row: &Resource) -> Result<(), String> {
        let Some(periods) = self.periods else { return Ok(()) };
        let period = match row.state {
            State::Deleted => periods.deleted,
            State::Degraded => periods.degraded,
            State::Synced => periods.synced,
            _ => return Ok(()),
        };
        self.period_over(row.state_since, period, entry)
    }
}

impl Invariant for NothingEarly {
    fn name(&self) -> &'static str {
        "nothing happens before its time"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        self.clocks.see(entry);
        match &entry.what {
            What::Scope { after, .. } => {
                if after.paused {
                    self.paused.insert(after.scope.clone());
                } else {
                    self.paused.remove(&after.scope);
                }
                Ok(())
            }
            What::Periods { expiry, deleted, degraded, synced } => {
                let known = self.periods;
                self.periods = Some(Periods {
                    expiry: shorter(known.and_then(|known| known.expiry), *expiry),
                    deleted: shorter(known.and_then(|known| known.deleted), *deleted),
                    degraded: shorter(known.and_then(|known| known.degraded), *degraded),
                    synced: shorter(known.and_then(|known| known.synced), *synced),
                });
                Ok(())
            }
            What::Row { before: Some(before), after: None } => self.purged(entry, before),
            What::Row { before: Some(before), after: Some(after) } => {
                if let Some(at) = before.synced_at.filter(|_| after.state == State::Expired) {
                    self.expired.insert((after.id, after.generation), at);
                }
                let token = |row: &Resource| row.lease.map(|lease| lease.token);
                let is_claimed = after.lease.is_some() && token(before) != token(after);
                if is_claimed { self.claimed(entry, before, after) } else { Ok(()) }
            }
            What::Appended(event) => {
                let Subject::Resource { id, generation, .. } = &event.subject else { return Ok(()) };
                // That it is due again comes after that it has expired.
                let EventKind::Scheduled(reason) = event.kind else { return Ok(()) };
                let synced_at = self.expired.remove(&(*id, *generation)).filter(|_| reason == Reason::Expired);
                match (synced_at, self.periods) {
                    (Some(synced_at), Some(periods)) => self.period_over(synced_at, periods.expiry, entry),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
