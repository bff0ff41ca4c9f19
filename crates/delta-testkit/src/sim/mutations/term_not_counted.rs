use delta_core::{Changeset, CursorChange, plan::schedule::LEADER};

use crate::invariants::{Invariant as _, OneLeader};
use crate::sim::{Mutation, Sight};

/// Takes office without a new term: what fences the old leader's writes does not tell the two apart.
#[derive(Debug)]
pub(super) struct TermNotCounted;

impl Mutation for TermNotCounted {
    fn name(&self) -> &'static str {
        "a new leader keeps the term of the one before"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OneLeader::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.cursors {
            if let CursorChange::Put(cursor) = change
                && cursor.name == LEADER
                && let Some(stored) = sight.cursor(LEADER)
            {
                cursor.position = stored.position;
            }
        }
    }
}
