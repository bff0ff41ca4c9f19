use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delta_core::{Gap, LogName};

use crate::executor::guarded;
use crate::metrics;

type Listen = Arc<dyn Fn(Gap) + Send + Sync>;

/// Who wants to know of gaps in a log.
pub(super) struct GapListeners {
    log: LogName,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    listeners: BTreeMap<u64, Listen>,
    next: u64,
    /// The gap that readers stand before.
    gap: Option<Gap>,
}

impl GapListeners {
    pub(super) fn new(log: LogName) -> Self {
        Self { log, state: Mutex::default() }
    }

    /// Tells all listeners of a gap, once.
    pub(super) fn found(&self, gap: Option<Gap>) {
        let mut state = self.state();
        if state.gap == gap {
            return;
        }
        state.gap = gap;
        metrics::log_gap_blocks(&self.log, gap);
        let Some(gap) = gap else { return };
        let listeners: Vec<Listen> = state.listeners.values().cloned().collect();
        drop(state);
        metrics::log_gap(&self.log);
        tracing::debug!(log = %self.log, after = %gap.after, before = %gap.before, "a gap stops the log's readers");
        for listen in listeners {
            self.call(&listen, gap);
        }
    }

    /// Adds a listener, and tells it of the gap that readers stand before now.
    pub(super) fn listen(self: &Arc<Self>, listen: impl Fn(Gap) + Send + Sync + 'static) -> GapListener {
        let listen: Listen = Arc::new(listen);
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.listeners.insert(id, listen.clone());
        metrics::log_gap_listening(&self.log, state.listeners.len());
        let gap = state.gap;
        drop(state);
        if let Some(gap) = gap {
            self.call(&listen, gap);
        }
        GapListener { listeners: self.clone(), id }
    }

    fn call(&self, listen: &Listen, gap: Gap) {
        if let Err(panic) = guarded(|| listen(gap)) {
            tracing::error!(log = %self.log, panic = %panic.message, "a listener to gaps panicked");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener to the gaps of a table: dropping it ends it.
#[must_use = "dropping it ends the listening"]
pub struct GapListener {
    listeners: Arc<GapListeners>,
    id: u64,
}

impl fmt::Debug for GapListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GapListener").field("log", &self.listeners.log).finish_non_exhaustive()
    }
}

impl Drop for GapListener {
    fn drop(&mut self) {
        let mut state = self.listeners.state();
        let listener = state.listeners.remove(&self.id);
        metrics::log_gap_listening(&self.listeners.log, state.listeners.len());
        drop(state);
        // What it has captured may take locks of its own.
        drop(listener);
    }
}

#[cfg(test)]
mod tests {
    use delta_core::Position;

    use super::*;

    fn gap(after: i64, before: i64) -> Gap {
        Gap { after: Position::new(after), before: Position::new(before) }
    }

    fn heard() -> (Arc<Mutex<Vec<Gap>>>, impl Fn(Gap) + Send + Sync + 'static) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let noted = heard.clone();
        (heard, move |gap| noted.lock().unwrap().push(gap))
    }

    #[test]
    fn a_gap_is_told_once_to_each_listener_also_to_one_that_comes_later() {
        let listeners = Arc::new(GapListeners::new(LogName::of_table("events")));
        let (early, hears) = heard();
        let _early = listeners.listen(hears);
        listeners.found(Some(gap(0, 2)));
        listeners.found(Some(gap(0, 2)));
        let (late, hears) = heard();
        let _late = listeners.listen(hears);
        listeners.found(Some(gap(4, 6)));
        assert_eq!(*early.lock().unwrap(), [gap(0, 2), gap(4, 6)]);
        assert_eq!(*late.lock().unwrap(), [gap(0, 2), gap(4, 6)]);
    }

    /// The origin's listeners could not be stopped while one of them waited, and panicked when they were stopped twice or
    /// added to afterwards.
    #[test]
    fn listeners_end_at_once_and_new_ones_may_come_afterwards() {
        let listeners = Arc::new(GapListeners::new(LogName::of_table("events")));
        let (first, hears) = heard();
        let _panics = listeners.listen(|_| panic!("a fault of the listener's own"));
        drop(listeners.listen(hears));
        listeners.found(Some(gap(0, 2)));
        assert_eq!(*first.lock().unwrap(), []);
        let (second, hears) = heard();
        let _second = listeners.listen(hears);
        assert_eq!(*second.lock().unwrap(), [gap(0, 2)]);
    }
}
