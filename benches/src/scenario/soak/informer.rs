use std::time::{Duration, Instant};

use delta::Client;
use delta::core::Browse;
use tokio::sync::mpsc;

use crate::clock::{now, sleep};
use crate::scenario::soak::revised::{Revised, Seen};

/// How often what is due is informed: at 500 in a second, five at a time.
const TICK: Duration = Duration::from_millis(10);
/// The most that one call informs, when it is late.
const MOST: u64 = 1_000;
/// How far apart objects are that change one after the other; prime, so that it comes round to all.
const STRIDE: u64 = 7_919;

/// Informs of changes at a steady rate.
pub(super) struct Informer<S> {
    pub(super) client: Client<S>,
    pub(super) seen: mpsc::UnboundedSender<Seen>,
    /// In a second.
    pub(super) rate: u32,
    pub(super) population: u64,
}

/// What it has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    pub(super) informed: u64,
    /// Calls that failed; what they were about was left out.
    pub(super) failures: u64,
}

impl<S: Browse> Informer<S> {
    /// Informs until the time is over.
    pub(super) async fn run(self, begin: Instant, length: Duration) -> Summary {
        let mut summary = Summary::default();
        let mut last = 0;
        while begin.elapsed() < length {
            let due = self.due(begin.elapsed()).min(last + MOST);
            if due > last {
                self.inform(last + 1..due + 1, &mut summary).await;
                last = due;
            }
            // Who is late goes on at once.
            if self.due(begin.elapsed()) <= last + MOST {
                sleep(TICK).await;
            }
        }
        summary
    }

    /// How many changes are due after this time.
    fn due(&self, elapsed: Duration) -> u64 {
        let due = elapsed.as_micros() * u128::from(self.rate) / 1_000_000;
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    async fn inform(&self, revisions: std::ops::Range<u64>, summary: &mut Summary) {
        let revised = |revision: u64| Revised::new(revision * STRIDE % self.population, revision);
        match self.client.inform_many(revisions.clone().map(revised)).await {
            Ok(_) => {
                let at = now();
                for revision in revisions {
                    summary.informed += 1;
                    // Nobody listens any longer: the run is over.
                    let _ = self.seen.send(Seen::Informed { revision, at });
                }
            }
            Err(error) => {
                summary.failures += 1;
                eprintln!("soak: could not inform: {error}");
            }
        }
    }
}
