use delta_core::{LogEvent, Position};
use tokio::time::Instant;

/// A line of events, of which those that have an order are handled one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LaneKey {
    /// The slice; 0 where there is but one.
    pub(super) slice: u16,
    /// The hash of a key; 0 where keys do not matter.
    pub(super) key: u64,
}

/// An event that was read and waits.
#[derive(Clone, Debug)]
pub(super) struct Item<E> {
    pub(super) event: E,
    pub(super) arrived: Instant,
    /// Not to be handled before.
    pub(super) ready_at: Instant,
    /// The filter could not tell whether it passes.
    pub(super) doubtful: bool,
}

/// What is handled as a whole: an event, or a batch of them.
#[derive(Clone, Debug)]
pub(super) struct Unit<E> {
    pub(super) id: u64,
    pub(super) lane: LaneKey,
    /// At least one, in the order of the log.
    pub(super) events: Vec<E>,
    pub(super) doubtful: bool,
}

impl<E: LogEvent> Unit<E> {
    /// The position of its first event: what its attempts are counted by.
    pub(super) fn position(&self) -> Position {
        self.events.first().map_or(Position::START, E::position)
    }

    pub(super) fn positions(&self) -> impl Iterator<Item = Position> {
        self.events.iter().map(E::position)
    }
}
