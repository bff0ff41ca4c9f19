use std::collections::{BTreeMap, VecDeque};

use delta_core::{Lane, Resource};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::executor::in_flight::Ending;

/// A resource that is claimed, and whose attempt has not begun.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) row: Resource,
    pub(crate) ending: oneshot::Receiver<Ending>,
    /// Since when it waits.
    pub(crate) since: Instant,
}

/// What is claimed and waits for a slot, in the order in which it was claimed.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    lanes: BTreeMap<Lane, VecDeque<Queued>>,
    len: usize,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, claimed: Queued) {
        self.lanes.entry(claimed.row.key.lane()).or_default().push_back(claimed);
        self.len += 1;
    }

    /// Takes out what may begin: one of each lane in turn, for as long as `may_begin` says so, which is told of each.
    pub(crate) fn take(&mut self, mut may_begin: impl FnMut(&Lane) -> bool) -> Vec<Queued> {
        let mut taken = Vec::new();
        loop {
            let before = taken.len();
            for (lane, claimed) in &mut self.lanes {
                if !claimed.is_empty() && may_begin(lane) {
                    taken.extend(claimed.pop_front());
                }
            }
            if taken.len() == before {
                break;
            }
        }
        self.forget(taken.len());
        taken
    }

    /// When the first of them began to wait.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.lanes.values().filter_map(VecDeque::front).map(|claimed| claimed.since).min()
    }

    /// Takes out what has waited since then, or longer.
    pub(crate) fn take_since(&mut self, since: Instant) -> Vec<Queued> {
        let mut taken = Vec::new();
        for claimed in self.lanes.values_mut() {
            while claimed.front().is_some_and(|first| first.since <= since) {
                taken.extend(claimed.pop_front());
            }
        }
        self.forget(taken.len());
        taken
    }

    fn forget(&mut self, taken: usize) {
        self.len -= taken;
        if taken > 0 {
            self.lanes.retain(|_, claimed| !claimed.is_empty());
        }
    }
}
