use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use delta_core::{Event, EventKind};
use tokio::sync::mpsc;

use crate::metrics;

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An event that this client has committed.
    Event(Event),
    /// So many events were missed before the next one, because the channel was full.
    Lagged(u64),
}

/// A subscription to the events that one client commits itself, after the commit. It never slows the engine down: what
/// does not fit its channel is counted and reported. Dropping it ends it.
///
/// Whoever needs every event, of all clients, in order, reads the log.
pub struct Subscription {
    receiver: mpsc::Receiver<Event>,
    missed: Arc<AtomicU64>,
}

impl Subscription {
    /// The next notice; `None` once the client is gone.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<Notice> {
        // What was missed came after all that is queued now, or before what will be queued next.
        if self.receiver.is_empty()
            && let Some(lagged) = self.take_missed()
        {
            return Some(lagged);
        }
        match self.receiver.recv().await {
            Some(event) => Some(Notice::Event(event)),
            None => self.take_missed(),
        }
    }

    fn take_missed(&self) -> Option<Notice> {
        match self.missed.swap(0, Ordering::AcqRel) {
            0 => None,
            missed => Some(Notice::Lagged(missed)),
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("queued", &self.receiver.len()).finish_non_exhaustive()
    }
}

/// The subscribers of one client.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions(Mutex<Vec<Subscriber>>);

#[derive(Debug)]
struct Subscriber {
    kinds: BTreeSet<&'static str>,
    sender: mpsc::Sender<Event>,
    missed: Arc<AtomicU64>,
}

impl Subscriptions {
    pub(crate) fn subscribe(&self, kinds: impl IntoIterator<Item = EventKind>, capacity: usize) -> Subscription {
        let (sender, receiver) = mpsc::channel(capacity);
        let missed = Arc::new(AtomicU64::new(0));
        let kinds = kinds.into_iter().map(EventKind::as_str).collect();
        let mut subscribers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Subscriber { kinds, sender, missed: missed.clone() });
        Subscription { receiver, missed }
    }

    /// Whether anybody listens: whether receipts need to return events.
    pub(crate) fn any(&self) -> bool {
        let mut subscribers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| !subscriber.sender.is_closed());
        !subscribers.is_empty()
    }

    pub(crate) fn publish(&self, events: &[Event]) {
        let subscribers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            for subscriber in subscribers.iter().filter(|subscriber| subscriber.kinds.contains(event.kind.as_str())) {
                if subscriber.sender.try_send(event.clone()).is_err() {
                    subscriber.missed.fetch_add(1, Ordering::AcqRel);
                    metrics::missed();
                }
            }
        }
    }
}
