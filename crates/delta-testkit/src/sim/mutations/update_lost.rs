use delta_core::{Change, Changeset};

use crate::invariants::{Invariant as _, LegalTransitions};
use crate::sim::{Mutation, Sight};

/// Settles what changed while it was worked as if it had not: the lost update of every queue that marks a row as done by
/// its id.
#[derive(Debug)]
pub(super) struct UpdateLost;

impl Mutation for UpdateLost {
    fn name(&self) -> &'static str {
        "an answer for an old generation is taken for one of the new"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(LegalTransitions::default().name())
    }

    fn seeds(&self) -> u64 {
        6
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Settle(settle) = change
                && let Some(row) = sight.row(settle.id)
            {
                let done = settle.unmoved.synced_generation.map(|_| row.generation);
                settle.moved = delta_core::Settlement { synced_generation: done, ..settle.unmoved.clone() };
            }
        }
    }
}
