use delta_core::{EventPage, EventQuery};

use crate::invariants::{ConsumedOnce, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Reads a page without ORDER BY: it comes in order until the table is vacuumed.
#[derive(Debug)]
pub(super) struct PageReorders;

impl Mutation for PageReorders {
    fn name(&self) -> &'static str {
        "a page of the log is out of order"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(ConsumedOnce::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn page(&self, sight: &Sight<'_>, _: &EventQuery, page: &mut EventPage) {
        if page.events.len() > 1 && sight.happens(100) {
            page.events.reverse();
        }
    }
}
