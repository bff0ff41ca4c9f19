use std::sync::{Arc, Mutex, PoisonError};

use delta_core::WakeUpSignal;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::tasks;

/// One subscription to the store's wake-ups for all readers of logs of a client: opened with the first one, closed with
/// the last.
#[derive(Debug, Default)]
pub(super) struct Listening(Mutex<Ears>);

#[derive(Debug, Default)]
struct Ears {
    count: usize,
    close: CancellationToken,
}

/// A reader that wants to hear what the store tells.
#[derive(Debug)]
pub(super) struct Ear(Arc<Listening>);

impl Listening {
    /// Listens as long as the ear lives.
    pub(super) fn listen(engine: &Arc<Engine>) -> Ear {
        let listening = engine.logs.listening.clone();
        let mut ears = listening.0.lock().unwrap_or_else(PoisonError::into_inner);
        ears.count += 1;
        if ears.count == 1 {
            ears.close = CancellationToken::new();
            let (close, weak) = (ears.close.clone(), Arc::downgrade(engine));
            if let Some(mut wakeups) = engine.store.wakeups_dyn() {
                tasks::spawn(&engine.logs.tasks, async move {
                    while let Some(Some(signal)) = close.run_until_cancelled(wakeups.next()).await {
                        let Some(engine) = weak.upgrade() else { break };
                        match signal {
                            WakeUpSignal::Log(log) => engine.logs.tell(&log),
                            WakeUpSignal::All => engine.logs.tell_all(),
                            WakeUpSignal::Lane(_) => {}
                        }
                    }
                });
            }
        }
        drop(ears);
        Ear(listening)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut ears = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        ears.count -= 1;
        if ears.count == 0 {
            ears.close.cancel();
        }
    }
}
