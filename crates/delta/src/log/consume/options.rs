use std::time::Duration;

use delta_core::{Position, Timestamp};

/// When a consumer's cursor is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorWrites {
    /// Before the next event is handled: after a crash no more is handled again than was in flight.
    Sync,
    /// This long after something was handled, and on every way out: after a crash what was handled since may be handled
    /// again.
    Every(Duration),
}

impl Default for CursorWrites {
    /// Every 5 s.
    fn default() -> Self {
        Self::Every(Duration::from_secs(5))
    }
}

/// Where a consumer without a stored cursor begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Start {
    #[default]
    Beginning,
    Head,
    Time(Timestamp),
    Position(Position),
}
