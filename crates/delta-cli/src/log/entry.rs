use delta::core::{Event, LogEvent, TableEvent};
use delta::{Position, Timestamp};

/// An event of any log.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Of Delta's own.
    Own(Event),
    /// Of an application's.
    Table(TableEvent),
}

impl Entry {
    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Own(event) => event.position(),
            Self::Table(event) => event.position(),
        }
    }

    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Self::Own(event) => event.at(),
            Self::Table(event) => event.at(),
        }
    }

    /// The event as dead letters hold it.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        match self {
            Self::Own(event) => serde_json::to_string(event),
            Self::Table(event) => serde_json::to_string(event),
        }
    }
}
