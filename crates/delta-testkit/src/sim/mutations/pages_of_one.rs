use delta_core::{EventPage, EventQuery};

use crate::sim::{Mutation, Sight};

/// A page may end early, as long as it says where the next one begins.
#[derive(Debug)]
pub(super) struct PagesOfOne;

impl Mutation for PagesOfOne {
    fn name(&self) -> &'static str {
        "a page of the log has one event at most"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        2
    }

    fn page(&self, _: &Sight<'_>, _: &EventQuery, page: &mut EventPage) {
        if page.events.len() > 1 {
            page.events.truncate(1);
            page.next = page.events[0].position;
        }
    }
}
