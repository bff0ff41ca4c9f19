//! The logs: Delta's own, and an application's in a table of its own.

mod append;
mod latency;
mod tail;

use delta::Timestamp;
use delta::core::{EventTable, NewEvent};

pub(super) use append::{SCENARIO as APPEND, append};
pub(super) use latency::SCENARIO as LATENCY;
pub(super) use tail::SCENARIO as TAIL;

/// What the application's events are of.
const CREATED: i64 = 1;

/// The application's table.
pub(super) fn items() -> EventTable {
    EventTable::new("item_events").metadata_column("metadata")
}

/// So many of its events, with a little metadata each.
fn events(from: usize, count: usize, at: Timestamp) -> Vec<NewEvent> {
    let event =
        |number| NewEvent { metadata: Some(vec![0, 1, 2, 3]), ..NewEvent::new(format!("item-{number}"), CREATED, at) };
    (from..from + count).map(event).collect()
}

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// Delta's own.
    Own,
    /// The application's.
    Table,
}

impl Which {
    const ALL: [(Self, &str); 2] = [(Self::Own, "Delta's"), (Self::Table, "an application's")];
}
