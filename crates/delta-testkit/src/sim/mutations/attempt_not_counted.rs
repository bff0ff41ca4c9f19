use delta_core::Claimed;

use crate::invariants::{AttemptsWithinLimits, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Hands a worker the attempt before its own: RETURNING of a statement that reads before it writes.
#[derive(Debug)]
pub(super) struct AttemptNotCounted;

impl Mutation for AttemptNotCounted {
    fn name(&self) -> &'static str {
        "a claim answers the rows as they were before it"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(AttemptsWithinLimits::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn claimed(&self, sight: &Sight<'_>, claimed: &mut Claimed) {
        for row in &mut claimed.resources {
            if let Some(lease) = &mut row.lease
                && sight.happens(200)
            {
                row.attempt -= 1;
                lease.attempt -= 1;
            }
        }
    }
}
