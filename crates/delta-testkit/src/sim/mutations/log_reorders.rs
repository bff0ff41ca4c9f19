use delta_core::Event;

use crate::invariants::{Invariant as _, OrderedLog};
use crate::sim::{Mutation, Sight};

/// Gives out positions that are not in the order of the commits: a sequence that is cached by each session.
#[derive(Debug)]
pub(super) struct LogReorders;

impl Mutation for LogReorders {
    fn name(&self) -> &'static str {
        "two events of the log change places"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OrderedLog::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn appended(&self, sight: &Sight<'_>, events: &mut [Event]) {
        if let [first, .., last] = events
            && sight.happens(500)
        {
            std::mem::swap(&mut first.position, &mut last.position);
        }
    }
}
