use delta_core::{Due, DueQuery, Resource};

use crate::invariants::{Converges, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Finds no lost attempt, as the query compares with NULL: what a process worked when it died stays pending for good.
#[derive(Debug)]
pub(super) struct NobodyRescues;

impl Mutation for NobodyRescues {
    fn name(&self) -> &'static str {
        "attempts whose lease is over are not found"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(Converges::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn due(&self, _: &Sight<'_>, query: &DueQuery, rows: &mut Vec<Resource>) {
        if let Due::Rescue { .. } = query.due {
            rows.clear();
        }
    }
}
