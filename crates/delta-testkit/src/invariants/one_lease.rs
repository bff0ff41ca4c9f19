use std::collections::{BTreeMap, BTreeSet};

use delta_core::{Key, LeaseToken, Resource, Timestamp};

use super::clocks::Clocks;
use super::invariant::Invariant;
use crate::history::{Actor, Answer, Attempt, Entry, What};

/// Never do two attempts of one resource run at once, and a lease is replaced only once it was settled or over.
///
/// An attempt runs from its begin to its end, or to the end of its process, or, where it settles itself, to that commit. One
/// whose process has stood still may be there when the next one begins, but does not go on: no attempt answers once its
/// lease is over. That is by the time of the entry, with the error of the [`Clocks`] that decided it.
#[derive(Debug, Default)]
pub struct OneLease {
    clocks: Clocks,
    running: BTreeMap<Key, Vec<Running>>,
    /// The leases that rows are pending under.
    leases: BTreeMap<LeaseToken, Held>,
    /// The leases that were taken from their holders.
    lost: BTreeSet<LeaseToken>,
}

#[derive(Debug)]
struct Running {
    actor: Actor,
    attempt: Attempt,
    /// Whether its process has stood still since it began.
    stood_still: bool,
}

#[derive(Debug)]
struct Held {
    /// Who claimed it.
    holder: Actor,
    until: Timestamp,
}

impl OneLease {
    /// With clocks of such an error.
    #[must_use]
    pub fn new(clocks: Clocks) -> Self {
        Self { clocks, ..Self::default() }
    }

    fn begins(&mut self, actor: &Actor, attempt: &Attempt) -> Result<(), String> {
        let running = self.running.entry(attempt.key.clone()).or_default();
        let other = running.iter().find(|other| !other.stood_still);
        let other = other.map(|other| format!("{} of {}", other.attempt, other.actor));
        running.push(Running { actor: actor.clone(), attempt: attempt.clone(), stood_still: false });
        match other {
            None => Ok(()),
            Some(other) => Err(format!("expected no attempt beside {attempt} of {actor}, found {other} still running")),
        }
    }

    fn answers(&mut self, entry: &Entry, attempt: &Attempt, answer: &Answer) -> Result<(), String> {
        self.ends(&attempt.key, |one| one.actor == entry.actor && one.attempt == *attempt);
        let over = self.leases.get(&attempt.token).is_some_and(|held| !self.clocks.may_be_before(entry.at, held.until));
        if *answer == Answer::Dropped || !(over || self.lost.contains(&attempt.token)) {
            return Ok(());
        }
        Err(format!("expected {attempt} to be dropped with its lease, found that it answered: {entry}"))
    }

    fn ends(&mut self, key: &Key, ended: impl Fn(&Running) -> bool) {
        if let Some(running) = self.running.get_mut(key) {
            running.retain(|one| !ended(one));
            if running.is_empty() {
                self.running.remove(key);
            }
        }
    }

    fn written(&mut self, entry: &Entry, before: Option<&Resource>, after: Option<&Resource>) -> Result<(), String> {
        let (had, has) = (before.and_then(|row| row.lease), after.and_then(|row| row.lease));
        if let Some(lease) = has {
            let new = || Held { holder: entry.actor.clone(), until: lease.until };
            let held = self.leases.entry(lease.token).or_insert_with(new);
            let before = std::mem::replace(&mut held.until, lease.until);
            if lease.until < before {
                return Err(format!("expected lease {} to stay until {before}, found {entry}", lease.token.get()));
            }
        }
        let (Some(before), Some(lease)) = (before, had) else { return Ok(()) };
        if has.is_some_and(|has| has.token == lease.token) {
            return Ok(());
        }
        let holder = self.leases.remove(&lease.token).map(|held| held.holder);
        let number = lease.token.get();
        let Some(after) = after else {
            return Err(format!("expected the row to stay under lease {number}, found {}", entry.what));
        };
        // A settlement and the claim that travels with it are seen as one, and count two versions.
        if has.is_some() && after.version < before.version + 2 {
            return Err(format!("expected no claim under lease {number}, which was not settled, found {}", entry.what));
        }
        let rescued = is_rescue(before, after);
        let mine = !rescued && holder.as_ref().is_none_or(|holder| *holder == entry.actor);
        if mine {
            // What settles itself is over with that.
            self.ends(&before.key, |one| one.attempt.token == lease.token);
            return Ok(());
        }
        self.lost.insert(lease.token);
        if !self.clocks.may_be_past(lease.until, entry.at) {
            let (who, until) = (holder.map_or_else(String::new, |holder| format!(" of {holder}")), lease.until);
            return Err(format!("expected lease {number}{who} to be kept until {until}, found {entry}"));
        }
        Ok(())
    }
}

/// Whether the attempt's end was recorded by whoever found its lease over.
pub(super) fn is_rescue(before: &Resource, after: &Resource) -> bool {
    let last = after.detail.as_ref().and_then(|detail| detail.errors.last());
    let is_lost = |message: &str| message.starts_with("attempt ") && message.contains(" was lost: its lease was over");
    after.error_count > before.error_count && last.is_some_and(|error| is_lost(&error.message))
}

impl Invariant for OneLease {
    fn name(&self) -> &'static str {
        "never do two attempts of one resource run at once"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        self.clocks.see(entry);
        let actor = &entry.actor;
        match &entry.what {
            What::Began(attempt) => self.begins(actor, attempt),
            What::Ended(attempt, answer) => self.answers(entry, attempt, answer),
            What::Crashed | What::Stopped => {
                let keys: Vec<Key> = self.running.keys().cloned().collect();
                for key in &keys {
                    self.ends(key, |one| one.actor == *actor);
                }
                Ok(())
            }
            What::Frozen => {
                let mine = self.running.values_mut().flatten().filter(|one| one.actor == *actor);
                for one in mine {
                    one.stood_still = true;
                }
                Ok(())
            }
            What::Row { before, after } => self.written(entry, before.as_deref(), after.as_deref()),
            _ => Ok(()),
        }
    }
}
