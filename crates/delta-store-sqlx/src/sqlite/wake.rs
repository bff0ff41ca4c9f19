use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use delta_core::{Lane, WakeUpSignal, Wakeups};
use futures::stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// How many wake-ups a listener may fall behind before it is told to look everywhere.
const CAPACITY: usize = 1_024;

/// The wake-ups of one database file within this process: all stores of the file share it.
#[derive(Debug)]
pub(super) struct Bus {
    sender: broadcast::Sender<WakeUpSignal>,
}

static BUSES: LazyLock<Mutex<HashMap<PathBuf, Weak<Bus>>>> = LazyLock::new(Mutex::default);

impl Bus {
    /// The bus of a file, by its canonical path.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        let mut buses = BUSES.lock().unwrap_or_else(PoisonError::into_inner);
        buses.retain(|_, bus| bus.strong_count() > 0);
        if let Some(bus) = buses.get(path).and_then(Weak::upgrade) {
            return bus;
        }
        let bus = Arc::new(Self { sender: broadcast::Sender::new(CAPACITY) });
        buses.insert(path.to_owned(), Arc::downgrade(&bus));
        bus
    }

    pub(super) fn wake(&self, lanes: impl IntoIterator<Item = Lane>) {
        self.send(lanes.into_iter().map(WakeUpSignal::Lane));
    }

    pub(super) fn send(&self, signals: impl IntoIterator<Item = WakeUpSignal>) {
        for signal in signals {
            // An error says that nobody listens.
            let _ = self.sender.send(signal);
        }
    }

    pub(super) fn listen(self: &Arc<Self>) -> Wakeups {
        // The stream keeps the bus, so the channel is never closed under it.
        let state = (self.clone(), self.sender.subscribe());
        Wakeups::new(stream::unfold(state, async |(bus, mut receiver)| match receiver.recv().await {
            Ok(signal) => Some((signal, (bus, receiver))),
            Err(RecvError::Lagged(_)) => Some((WakeUpSignal::All, (bus, receiver))),
            Err(RecvError::Closed) => None,
        }))
    }
}

/// Wake-ups of a caller's transaction on the connection that writes, which leave when it has ended.
#[derive(Clone, Debug)]
pub(super) struct HeldWakeUps {
    bus: Arc<Bus>,
    lanes: Arc<Mutex<Vec<Lane>>>,
}

impl HeldWakeUps {
    pub(super) fn new(bus: Arc<Bus>) -> Self {
        Self { bus, lanes: Arc::default() }
    }

    pub(super) fn add(&self, lanes: Vec<Lane>) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).extend(lanes);
    }

    /// After a commit; or when it is not known how the transaction ended, for a wake-up too many does no harm.
    pub(super) fn send(&self) {
        self.bus.wake(self.take());
    }

    /// After a rollback.
    pub(super) fn forget(&self) {
        self.take();
    }

    fn take(&self) -> Vec<Lane> {
        std::mem::take(&mut *self.lanes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use delta_core::Name;
    use futures::StreamExt;

    use super::*;

    fn lane(kind: &str) -> Lane {
        Lane { namespace: Name::default_namespace(), kind: Name::new(kind).unwrap() }
    }

    #[tokio::test]
    async fn stores_of_one_file_share_their_wake_ups() {
        let one = Bus::of(Path::new("/tmp/wake-shared.db"));
        let two = Bus::of(Path::new("/tmp/wake-shared.db"));
        let other = Bus::of(Path::new("/tmp/wake-other.db"));
        let mut heard = two.listen();
        other.wake([lane("other")]);
        one.wake([lane("customer")]);
        assert_eq!(heard.next().await, Some(WakeUpSignal::Lane(lane("customer"))));
    }

    #[tokio::test]
    async fn a_listener_that_fell_behind_is_told_to_look_everywhere() {
        let bus = Bus::of(Path::new("/tmp/wake-behind.db"));
        let mut heard = bus.listen();
        bus.wake((0..=CAPACITY).map(|_| lane("customer")));
        assert_eq!(heard.next().await, Some(WakeUpSignal::All));
        assert_eq!(heard.next().await, Some(WakeUpSignal::Lane(lane("customer"))));
    }
}
