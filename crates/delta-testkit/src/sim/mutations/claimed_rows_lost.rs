use delta_core::Claimed;

use crate::sim::{Mutation, Sight};

/// Rows that nobody knows to have claimed are found by a rescue once their lease is over.
#[derive(Debug)]
pub(super) struct ClaimedRowsLost;

impl Mutation for ClaimedRowsLost {
    fn name(&self) -> &'static str {
        "the answer of a claim loses rows"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        2
    }

    fn claimed(&self, sight: &Sight<'_>, claimed: &mut Claimed) {
        if sight.happens(100) {
            claimed.resources.pop();
        }
    }
}
