use delta_core::Lane;

use crate::invariants::{Converges, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Answers the lanes of a page, and never the next page: the kind that sorts last is worked only if a wake-up comes.
#[derive(Debug)]
pub(super) struct LaneHidden;

impl Mutation for LaneHidden {
    fn name(&self) -> &'static str {
        "a lane that has something to claim is not answered"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(Converges::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn lanes(&self, _: &Sight<'_>, lanes: &mut Vec<Lane>) {
        lanes.retain(|lane| lane.kind.as_str() != "copy");
    }

    fn wakes(&self, _: &Sight<'_>) -> bool {
        false
    }
}
