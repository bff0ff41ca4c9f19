use delta_core::{Change, Changeset, RunAt};

use crate::invariants::{Invariant as _, RowsPossible};
use crate::sim::{Mutation, Sight};

/// Leaves `run_at` as it was when an attempt ends: an UPDATE that forgets a column.
#[derive(Debug)]
pub(super) struct RunAtKept;

impl Mutation for RunAtKept {
    fn name(&self) -> &'static str {
        "a synced row keeps a time to run at"
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
                && settle.unmoved.run_at == RunAt::Never
                && sight.happens(200)
            {
                settle.unmoved.run_at = RunAt::At(changes.now);
            }
        }
    }
}
