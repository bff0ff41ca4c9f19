use delta_core::{Change, Changeset};

use crate::invariants::{Invariant as _, RowsPossible};
use crate::sim::{Mutation, Sight};

/// Writes `synced_generation` from the row after counting it up: the sum is done in two places.
#[derive(Debug)]
pub(super) struct SyncedAhead;

impl Mutation for SyncedAhead {
    fn name(&self) -> &'static str {
        "a settlement says more than the attempt's generation is done"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(RowsPossible.name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Settle(settle) = change
                && let Some(done) = &mut settle.unmoved.synced_generation
                && sight.happens(200)
            {
                *done += 1;
            }
        }
    }
}
