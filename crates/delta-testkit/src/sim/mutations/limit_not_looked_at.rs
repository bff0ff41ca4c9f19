use delta_core::{Change, Changeset};

use crate::invariants::{AttemptsWithinLimits, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Stores a limit of 0, which a claim does not look at: "no limit" written by one program as 0 and read by another as none.
#[derive(Debug)]
pub(super) struct LimitNotLookedAt;

impl Mutation for LimitNotLookedAt {
    fn name(&self) -> &'static str {
        "what has no attempts left is tried again"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(AttemptsWithinLimits::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Insert(insert) = change
                && sight.happens(200)
            {
                insert.row.max_attempts = Some(0);
            }
        }
    }
}
