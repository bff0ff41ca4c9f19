use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use delta_core::{EventTable, LogName};
use tokio_util::task::TaskTracker;

use crate::log::bell::Bell;
use crate::log::held::Held;
use crate::log::listening::Listening;
use crate::log::outside::Outside;

/// What the readers of logs of one client share.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    logs: Mutex<BTreeMap<LogName, Shared>>,
    /// What the store tells.
    pub(super) listening: Arc<Listening>,
    /// Whether others are to be told of Delta's own log.
    pub(super) outside: Outside,
    /// Tasks that live as long as readers do; no stop waits for them.
    pub(super) tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct Shared {
    told: Bell,
    held: Arc<Held>,
    /// Those that are in use, by the table that they are of.
    heads: Vec<(Option<EventTable>, Weak<dyn Any + Send + Sync>)>,
}

impl Hub {
    /// Tells the readers of a log that something was appended.
    ///
    /// Who has caught up before an empty read does not miss what was told after it.
    pub(crate) fn tell(&self, log: &LogName) {
        self.with(log, |shared| shared.told.ring());
    }

    /// Tells the readers of all logs.
    pub(super) fn tell_all(&self) {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        for shared in logs.values() {
            shared.told.ring();
        }
    }

    /// What each call of [`tell`](Self::tell) rings.
    pub(super) fn told(&self, log: &LogName) -> Bell {
        self.with(log, |shared| shared.told.clone())
    }

    /// Who holds a log's readers back, as it is reported.
    pub(crate) fn held(&self, log: &LogName) -> Arc<Held> {
        self.with(log, |shared| shared.held.clone())
    }

    /// The head of a log as it is read of a table (`None`: of Delta's own) that somebody has already, else the one that
    /// `make` makes.
    pub(super) fn head<H: Send + Sync + 'static>(
        &self,
        log: &LogName,
        table: Option<&EventTable>,
        make: impl FnOnce() -> H,
    ) -> Arc<H> {
        let known = self.with(log, |shared| {
            shared.heads.retain(|(_, head)| head.strong_count() > 0);
            let known = shared.heads.iter().find(|(known, _)| known.as_ref() == table);
            known.and_then(|(_, head)| head.upgrade()?.downcast().ok())
        });
        known.unwrap_or_else(|| {
            // Outside of the lock, which it takes itself. Two that are made at once are used side by side.
            let head = Arc::new(make());
            let shares: Arc<dyn Any + Send + Sync> = head.clone();
            self.with(log, |shared| shared.heads.push((table.cloned(), Arc::downgrade(&shares))));
            head
        })
    }

    fn with<T>(&self, log: &LogName, then: impl FnOnce(&mut Shared) -> T) -> T {
        then(self.logs.lock().unwrap_or_else(PoisonError::into_inner).entry(log.clone()).or_default())
    }
}
