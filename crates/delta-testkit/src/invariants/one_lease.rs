use std::collections::BTreeMap;

use delta_core::{EventKind, Key, LeaseToken, Resource, ResourceId, State};

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
    /// Leases that were taken away when they were not over, for what follows says whether they were settled: the row, and how
    /// many events of the end of an attempt it has had.
    settling: BTreeMap<ResourceId, LeaseToken>,
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

    fn written(&mut self, entry: &Entry, before: &Resource, after: Option<&Resource>) -> Result<(), String> {
        let Some(lease) = before.lease else { return Ok(()) };
        let token = |row: &Resource| row.lease.map(|lease| lease.token);
        if after.and_then(token) == Some(lease.token) {
            return Ok(());
        }
        let Some(after) = after else {
            return Err(format!("expected the row to stay under lease {}, found {}", lease.token.get(), entry.what));
        };
        let failed = after.error_count > before.error_count;
        let may_be_over = self.clocks.may_be_past(lease.until, entry.at);
        let claimed = after.lease.is_some();
        // A settlement and the claim that travels with it are seen as one, and count two versions.
        if claimed && after.version < before.version + 2 {
            return Err(format!("expected no claim under a lease that was not settled, found {}", entry.what));
        }
        let rescued = failed && may_be_over && after.state != State::Deleted;
        if !rescued {
            let (actor, token) = (&entry.actor, lease.token);
            // It was settled by its holder: what settles itself is over with that.
            self.ends(&before.key, |(who, attempt)| who == actor && attempt.token == token);
        }
        Ok(())
    }
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
            What::Row { before: Some(before), after } => self.written(entry, before, after.as_deref()),
            _ => Ok(()),
        }
    }
}
