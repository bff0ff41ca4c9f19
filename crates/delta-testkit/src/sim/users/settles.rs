use std::collections::BTreeMap;

use delta_core::{LeaseToken, Resource, State};

use crate::history::{Answer, Attempt, Entry, Last, What};
use crate::invariants::{Invariant, SettledTruthfully};

/// What is recorded of an attempt is what it answered, where a controller may settle itself without a word to the history:
/// an attempt whose end is written while it runs has done so.
#[derive(Debug, Default)]
pub(super) struct Settles {
    inner: SettledTruthfully,
    running: BTreeMap<LeaseToken, Attempt>,
}

impl Invariant for Settles {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Began(attempt) => drop(self.running.insert(attempt.token, attempt.clone())),
            What::Ended(attempt, _) => drop(self.running.remove(&attempt.token)),
            What::Row { before: Some(before), after: Some(after) } => {
                let goes_on = before.lease.zip(after.lease).is_some_and(|(one, other)| one.token == other.token);
                if let Some(attempt) = before.lease.and_then(|lease| self.running.get(&lease.token))
                    && !goes_on
                {
                    let what = What::Settles(attempt.clone(), settled(before, after));
                    self.inner.see(&Entry { at: entry.at, actor: entry.actor.clone(), what })?;
                }
            }
            _ => {}
        }
        self.inner.see(entry)
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        self.inner.end(last)
    }
}

/// What a row that was settled says that it was settled as.
fn settled(before: &Resource, row: &Resource) -> Answer {
    let last = row.detail.as_ref().and_then(|detail| detail.errors.last());
    match row.state {
        State::Deleted => Answer::Deleted,
        // What has changed meanwhile is synced, and scheduled again.
        _ if row.synced_generation > before.synced_generation => Answer::Synced,
        State::Failed | State::Degraded => Answer::Error(last.map(|error| error.message.clone()).unwrap_or_default()),
        _ => Answer::Snoozed,
    }
}
