use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use delta_core::LogName;
use tokio::sync::watch;

/// What this client's readers of logs hear.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    signals: Mutex<BTreeMap<LogName, watch::Sender<u64>>>,
}

impl Hub {
    /// Tells the readers of a log that something was appended.
    pub(crate) fn tell(&self, log: &LogName) {
        self.signal(log).send_modify(|count| *count += 1);
    }

    /// What counts up with each call of [`tell`](Self::tell).
    pub(crate) fn signal(&self, log: &LogName) -> watch::Sender<u64> {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals.entry(log.clone()).or_default().clone()
    }
}
