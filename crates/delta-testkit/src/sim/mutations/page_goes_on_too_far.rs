use delta_core::{EventPage, EventQuery, Position};

use crate::invariants::{ConsumedOnce, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Goes on after the highest position that was given out: the events of a transaction that is still open are skipped, as by
/// every reader that takes "all above my cursor".
#[derive(Debug)]
pub(super) struct PageGoesOnTooFar;

impl Mutation for PageGoesOnTooFar {
    fn name(&self) -> &'static str {
        "a reader goes on after what is not committed yet"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(ConsumedOnce::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn page(&self, _: &Sight<'_>, _: &EventQuery, page: &mut EventPage) {
        if page.next == page.head {
            page.head = Position::new(page.head.get() + page.held_back.cast_signed());
            page.next = page.head;
            page.held_back = 0;
        }
    }
}
