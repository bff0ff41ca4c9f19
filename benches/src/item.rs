//! What is kept in step: objects of three sizes, and a controller that has nothing to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use delta::{Action, Controller, Object, ObjectSettings, Resource, WorkContext, WorkError};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// An object whose size can be chosen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// What makes it large.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub payload: String,
}

/// How many items are worked at the same time: settings belong to a type, so all of a process share them.
static PARALLELISM: AtomicU32 = AtomicU32::new(UNSET);

const UNSET: u32 = 0;

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        let settings = ObjectSettings::new().inform_interval(None);
        match PARALLELISM.load(Ordering::Relaxed) {
            UNSET => settings,
            parallelism => settings.parallelism(parallelism),
        }
    }
}

impl Item {
    /// An item whose object has so many bytes as JSON; none is the least that there is.
    #[must_use]
    pub fn new(number: usize, bytes: usize) -> Self {
        let id = format!("item-{number}");
        let frame = format!(r#"{{"id":"{id}","payload":""}}"#).len();
        Self { id, payload: "x".repeat(bytes.saturating_sub(frame)) }
    }

    /// So many items, numbered from `from`.
    pub fn many(from: usize, count: usize, bytes: usize) -> impl Iterator<Item = Self> {
        (from..from + count).map(move |number| Self::new(number, bytes))
    }

    /// Sets how many clients that are built from now on work at the same time; the default where it is `None`.
    pub fn set_parallelism(parallelism: Option<u32>) {
        PARALLELISM.store(parallelism.unwrap_or(UNSET), Ordering::Relaxed);
    }
}

/// Counts what is worked, and does nothing else.
#[derive(Clone, Debug, Default)]
pub struct Idle {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    worked: AtomicUsize,
    wanted: AtomicUsize,
    reached: Notify,
}

impl Idle {
    /// How many were worked.
    #[must_use]
    pub fn worked(&self) -> usize {
        self.shared.worked.load(Ordering::Acquire)
    }

    /// Waits until so many were worked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn reaches(&self, count: usize) {
        self.shared.wanted.store(count, Ordering::Release);
        while self.worked() < count {
            let reached = self.shared.reached.notified();
            if self.worked() >= count {
                break;
            }
            reached.await;
        }
    }
}

impl Controller for Idle {
    type Object = Item;

    async fn work(&self, _: &WorkContext, _: &Resource<Item>) -> Result<Action, WorkError> {
        let worked = self.shared.worked.fetch_add(1, Ordering::AcqRel) + 1;
        if worked >= self.shared.wanted.load(Ordering::Acquire) {
            self.shared.reached.notify_one();
        }
        Ok(Action::Synced)
    }
}

#[cfg(test)]
mod tests {
    use super::Item;

    #[test]
    fn an_item_has_the_size_that_was_asked_for() {
        for bytes in [560, 16_384] {
            assert_eq!(serde_json::to_string(&Item::new(49_999, bytes)).unwrap().len(), bytes);
        }
        assert_eq!(serde_json::to_string(&Item::new(1, 0)).unwrap(), r#"{"id":"item-1"}"#);
    }
}
