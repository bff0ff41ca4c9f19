use std::collections::BTreeSet;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delta_core::{Lane, WakeUpSignal};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::clock::sleep;
use crate::engine::Engine;
use crate::tasks;

/// The least time between two wake-ups of one client: a transaction with a wake-up takes a lock that all of its kind share while
/// it commits, on some databases, so they are gathered and leave in a small transaction of their own. On PostgreSQL that one
/// has nothing to flush, so the lock is held briefly, and a gathering only has to keep a busy client from sending one for
/// each commit; a longer one would be most of the time in which a consumer hears of events that follow each other closely.
const GATHER: Duration = Duration::from_millis(2);
/// How long sending one may take.
const LONGEST: Duration = Duration::from_secs(5);

/// Wake-ups on their way out, and to this client's own workers, which hear of them first.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    gathered: Mutex<Gathered>,
    own: Mutex<BTreeSet<Lane>>,
    told: Notify,
}

impl Wakes {
    /// The lanes that this client has woken since the last call; waits until there are some.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub(crate) async fn own(&self) -> BTreeSet<Lane> {
        loop {
            let lanes = mem::take(&mut *self.own.lock().unwrap_or_else(PoisonError::into_inner));
            if !lanes.is_empty() {
                return lanes;
            }
            self.told.notified().await;
        }
    }

    fn tell(&self, lanes: &[Lane]) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).extend(lanes.iter().cloned());
        self.told.notify_one();
    }
}

#[derive(Debug, Default)]
struct Gathered {
    signals: BTreeSet<WakeUpSignal>,
    sending: bool,
}

impl Engine {
    /// Tells all clients that these lanes have something to claim: at once, or gathered with others if some just left.
    pub(crate) fn wake(self: &Arc<Self>, lanes: impl IntoIterator<Item = Lane>) {
        let lanes: Vec<Lane> = lanes.into_iter().collect();
        if lanes.is_empty() {
            return;
        }
        if self.running.load(Ordering::Acquire) {
            self.wakes.tell(&lanes);
        }
        self.send(lanes.into_iter().map(WakeUpSignal::Lane));
    }

    /// Sends signals to all clients: at once, or gathered with others if some just left.
    pub(crate) fn send(self: &Arc<Self>, signals: impl IntoIterator<Item = WakeUpSignal>) {
        let mut gathered = self.wakes.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.signals.extend(signals);
        if gathered.signals.is_empty() || mem::replace(&mut gathered.sending, true) {
            return;
        }
        let engine = self.clone();
        tasks::spawn(&self.tasks, async move {
            while let Some(signals) = engine.gathered() {
                // Best effort, and a stop waits for it.
                let _ = timeout(LONGEST, engine.store.wake_dyn(&signals)).await;
                sleep(GATHER).await;
            }
        });
    }

    fn gathered(&self) -> Option<Vec<WakeUpSignal>> {
        let mut gathered = self.wakes.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.sending = !gathered.signals.is_empty();
        gathered.sending.then(|| mem::take(&mut gathered.signals).into_iter().collect())
    }
}
