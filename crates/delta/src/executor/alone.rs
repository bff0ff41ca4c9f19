use std::time::Duration;

use delta_core::{Backoff, RetryPolicy as _};
use tokio::time::Instant;

use crate::executor::settle::Pending;

/// How long a settlement waits that found its row locked, or was refused.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));

/// How many are settled one by one in a row, before others get their turn.
const SINGLES: usize = 16;

/// Settlements that are tried again apart from the others, so that they delay nobody.
#[derive(Debug, Default)]
pub(crate) struct Alone(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    pending: Pending,
    due: Instant,
    tries: u32,
    company: Company,
}

/// With whom a settlement may share a changeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// With others that found their rows locked.
    Busy,
    /// With none: it, or another of its batch, was refused.
    Nobody,
}

/// Settlements to send together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) pending: Vec<Pending>,
    pub(crate) company: Company,
    pub(crate) tries: u32,
}

impl Alone {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the first is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.iter().map(|waiting| waiting.due).min()
    }

    /// Adds settlements that were tried for the first time.
    pub(crate) fn add(&mut self, pending: Vec<Pending>, company: Company, now: Instant, unit: f64) {
        let due = match company {
            Company::Busy => now + delay(1, unit),
            Company::Nobody => now,
        };
        self.0.extend(pending.into_iter().map(|pending| Waiting { pending, due, tries: 1, company }));
    }

    /// Adds settlements that were tried once more.
    pub(crate) fn put_back(&mut self, batch: Batch, now: Instant, unit: f64) {
        let (tries, company) = (batch.tries + 1, batch.company);
        let due = now + delay(tries, unit);
        self.0.extend(batch.pending.into_iter().map(|pending| Waiting { pending, due, tries, company }));
    }

    /// Takes out what is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut singles = 0;
        let mut kept = Vec::new();
        for waiting in self.0.drain(..) {
            let Waiting { pending, due, tries, company } = waiting;
            let fits = |batch: &&mut Batch| batch.company == Company::Busy && batch.tries == tries;
            if due > now || (company == Company::Nobody && singles == SINGLES) {
                kept.push(Waiting { pending, due, tries, company });
            } else if company == Company::Nobody {
                singles += 1;
                batches.push(Batch { pending: vec![pending], company, tries });
            } else if let Some(batch) = batches.iter_mut().find(fits) {
                batch.pending.push(pending);
            } else {
                batches.push(Batch { pending: vec![pending], company, tries });
            }
        }
        self.0 = kept;
        batches
    }
}

fn delay(tries: u32, unit: f64) -> Duration {
    // Never at once: a full jitter of nearly nothing would spin.
    BACKOFF.delay(i64::from(tries), 0.5 + unit / 2.0)
}
