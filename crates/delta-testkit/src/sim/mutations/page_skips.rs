use delta_core::{EventPage, EventQuery};

use crate::invariants::{ConsumedOnce, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Skips an event within a page: two that were appended in the same microsecond, read by "later than".
#[derive(Debug)]
pub(super) struct PageSkips;

impl Mutation for PageSkips {
    fn name(&self) -> &'static str {
        "a page of the log leaves an event out"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(ConsumedOnce::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn page(&self, sight: &Sight<'_>, _: &EventQuery, page: &mut EventPage) {
        if page.events.len() > 1 && sight.happens(100) {
            page.events.remove(0);
        }
    }
}
