use delta_core::{Change, Changeset};

use crate::invariants::{AcknowledgedKept, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Writes a new object under the old generation: the count is forgotten on one of two paths.
#[derive(Debug)]
pub(super) struct GenerationStays;

impl Mutation for GenerationStays {
    fn name(&self) -> &'static str {
        "a change does not count the generation up"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(AcknowledgedKept::default().name())
    }

    fn seeds(&self) -> u64 {
        6
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Update(update) = change
                && update.write_object
                && update.row.generation > update.row.synced_generation + 1
                && sight.happens(500)
            {
                update.row.generation -= 1;
            }
        }
    }
}
