use crate::event::{Event, Position};
use crate::log::Gap;

/// A page of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage<E> {
    /// The events that fit, in the order of the log.
    pub events: Vec<E>,
    /// Where the next page begins: everything up to here was read or did not fit.
    pub next: Position,
    /// The last position that may be read now.
    pub head: Position,
    /// How many positions beyond the head are given out but held back by a transaction that has yet to end.
    pub held_back: u64,
    /// What stops readers at the head, in a table whose gaps are waited for.
    pub gap: Option<Gap>,
}

/// A page of Delta's own log.
pub type EventPage = LogPage<Event>;

impl<E> Default for LogPage<E> {
    fn default() -> Self {
        Self { events: Vec::new(), next: Position::START, head: Position::START, held_back: 0, gap: None }
    }
}

impl<E> LogPage<E> {
    /// The last position that was given out, readable or not.
    #[must_use]
    pub fn end(&self) -> Position {
        Position::new(self.head.get().saturating_add_unsigned(self.held_back))
    }
}
