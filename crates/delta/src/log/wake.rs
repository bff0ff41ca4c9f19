use std::fmt;
use std::sync::Arc;

use delta_core::{LogName, Notifier, Position, WakeUpSignal};

use crate::engine::Engine;

/// The wake-up of a log's readers for what was appended in the caller's transaction, to be sent once that has committed. If
/// it is forgotten, readers find the events within the poll interval.
#[must_use = "send it after the commit, or readers wait for the next poll"]
pub struct LogWake {
    pub(super) engine: Arc<Engine>,
    pub(super) log: LogName,
    pub(super) notifier: Notifier,
    pub(super) positions: Vec<Position>,
}

impl LogWake {
    /// Where the events will stand, in their order.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Sends it as the table's [`Notifier`] says: to the readers of this client at once, to others in the background,
    /// gathered with what leaves at the same time.
    pub fn send(self) {
        if !self.positions.is_empty() {
            self.engine.appended_to(&self.log, self.notifier);
        }
    }
}

impl fmt::Debug for LogWake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogWake").field("log", &self.log).field("positions", &self.positions).finish_non_exhaustive()
    }
}

impl Engine {
    /// Tells the readers of an application's log that something was appended.
    pub(super) fn appended_to(self: &Arc<Self>, log: &LogName, notifier: Notifier) {
        match notifier {
            Notifier::None => {}
            Notifier::InProcess => self.logs.tell(log),
            Notifier::Database => {
                self.logs.tell(log);
                self.send([WakeUpSignal::Log(log.clone())]);
            }
        }
    }
}
