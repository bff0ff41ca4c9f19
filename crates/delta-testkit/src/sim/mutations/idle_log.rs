use delta_core::{EventPage, EventQuery, Position};

use crate::invariants::{ConsumedOnce, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Holds the last event back until there is another, as a reader that waits for a gap to be filled: who waits for it waits
/// for good.
#[derive(Debug)]
pub(super) struct IdleLog;

impl Mutation for IdleLog {
    fn name(&self) -> &'static str {
        "the last event of the log is never answered"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(ConsumedOnce::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn page(&self, _: &Sight<'_>, query: &EventQuery, page: &mut EventPage) {
        if page.events.last().is_some_and(|last| last.position == page.head) {
            page.events.pop();
            page.head = Position::new(page.head.get() - 1).max(query.after);
            page.next = page.next.min(page.head);
        }
    }
}
