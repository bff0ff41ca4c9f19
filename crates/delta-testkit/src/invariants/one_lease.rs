use std::collections::BTreeMap;

use delta_core::{Key, LeaseToken, Resource};

use super::clocks::Clocks;
use super::invariant::Invariant;
use crate::history::{Actor, Attempt, Entry, What};

/// Never do two attempts of one resource run at once, and a lease is replaced only once it was settled or over.
///
/// An attempt runs from its begin to its end, or to the end of its process, or, where it settles itself, to that commit.
/// A lease is over by the time of the entry, with the error of the [`Clocks`] that decided it.
#[derive(Debug, Default)]
pub struct OneLease {
    clocks: Clocks,
    running: BTreeMap<Key, Vec<(Actor, Attempt)>>,
    /// Who has claimed the leases that rows are pending under.
    holders: BTreeMap<LeaseToken, Actor>,
}

impl OneLease {
    /// With clocks of such an error.
    #[must_use]
    pub fn new(clocks: Clocks) -> Self {
        Self { clocks, ..Self::default() }
    }

    fn begins(&mut self, actor: &Actor, attempt: &Attempt) -> Result<(), String> {
        let running = self.running.entry(attempt.key.clone()).or_default();
        let other = running.first().map(|(other, runs)| format!("{runs} of {other}"));
        running.push((actor.clone(), attempt.clone()));
        match other {
            None => Ok(()),
            Some(other) => Err(format!("expected no attempt beside {attempt} of {actor}, found {other} still running")),
        }
    }

    fn ends(&mut self, key: &Key, ended: impl Fn(&(Actor, Attempt)) -> bool) {
        if let Some(running) = self.running.get_mut(key) {
            running.retain(|one| !ended(one));
            if running.is_empty() {
                self.running.remove(key);
            }
        }
    }

    fn written(&mut self, entry: &Entry, before: Option<&Resource>, after: Option<&Resource>) -> Result<(), String> {
        let (had, has) = (before.and_then(|row| row.lease), after.and_then(|row| row.lease));
        if let Some(lease) = has.filter(|lease| had.is_none_or(|had| had.token != lease.token)) {
            self.holders.insert(lease.token, entry.actor.clone());
        }
        let (Some(before), Some(lease)) = (before, had) else { return Ok(()) };
        if has.is_some_and(|has| has.token == lease.token) {
            return Ok(());
        }
        let holder = self.holders.remove(&lease.token);
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
            self.ends(&before.key, |(_, attempt)| attempt.token == lease.token);
        } else if !self.clocks.may_be_past(lease.until, entry.at) {
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
            What::Ended(attempt, _) => {
                self.ends(&attempt.key, |(who, one)| who == actor && one == attempt);
                Ok(())
            }
            What::Crashed | What::Stopped => {
                let keys: Vec<Key> = self.running.keys().cloned().collect();
                keys.iter().for_each(|key| self.ends(key, |(who, _)| who == actor));
                Ok(())
            }
            What::Row { before, after } => self.written(entry, before.as_deref(), after.as_deref()),
            _ => Ok(()),
        }
    }
}
