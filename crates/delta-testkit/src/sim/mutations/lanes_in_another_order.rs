use delta_core::{DueQuery, Lane, Resource};

use crate::sim::{Mutation, Sight};

/// Lanes are answered in no order, and what is due may be found late.
#[derive(Debug)]
pub(super) struct LanesInAnotherOrder;

impl Mutation for LanesInAnotherOrder {
    fn name(&self) -> &'static str {
        "lanes and rows that are due come in another order"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        2
    }

    fn lanes(&self, sight: &Sight<'_>, lanes: &mut Vec<Lane>) {
        if sight.happens(500) {
            lanes.reverse();
        }
    }

    fn due(&self, sight: &Sight<'_>, _: &DueQuery, rows: &mut Vec<Resource>) {
        if sight.happens(500) {
            rows.reverse();
        }
    }
}
