use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delta_core::Lane;

use crate::clock::sleep;
use crate::engine::Engine;
use crate::tasks;

/// The least time between two wake-ups of one client: a wake-up inside a transaction serialises commits on some databases,
/// so they are gathered and leave in a small transaction of their own.
const GATHER: Duration = Duration::from_millis(10);

/// Wake-ups on their way out.
#[derive(Debug, Default)]
pub(crate) struct Wakes(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    lanes: BTreeSet<Lane>,
    sending: bool,
}

impl Engine {
    /// Tells all clients that these lanes have something to claim: at once, or gathered with others if some just left.
    pub(crate) fn wake(self: &Arc<Self>, lanes: impl IntoIterator<Item = Lane>) {
        let mut gathered = self.wakes.0.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.lanes.extend(lanes);
        if gathered.lanes.is_empty() || mem::replace(&mut gathered.sending, true) {
            return;
        }
        let engine = self.clone();
        tasks::spawn(&self.tasks, async move {
            while let Some(lanes) = engine.gathered() {
                engine.store.wake_dyn(&lanes).await;
                sleep(GATHER).await;
            }
        });
    }

    fn gathered(&self) -> Option<Vec<Lane>> {
        let mut gathered = self.wakes.0.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.sending = !gathered.lanes.is_empty();
        gathered.sending.then(|| mem::take(&mut gathered.lanes).into_iter().collect())
    }
}
