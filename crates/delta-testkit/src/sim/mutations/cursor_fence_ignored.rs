use delta_core::plan::schedule::LEADER;
use delta_core::{Changeset, CursorChange};

use crate::invariants::{Invariant as _, OneLeader};
use crate::sim::{Mutation, Sight};

/// Leaves the version out of the WHERE of a cursor's UPDATE: of two that take it at once, both have it.
#[derive(Debug)]
pub(super) struct CursorFenceIgnored;

impl Mutation for CursorFenceIgnored {
    fn name(&self) -> &'static str {
        "a cursor is written over whatever is there"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OneLeader::default().name())
    }

    fn seeds(&self) -> u64 {
        30
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.cursors {
            if let CursorChange::Put(cursor) = change
                && cursor.name == LEADER
            {
                cursor.version = sight.cursor(&cursor.name).map_or(0, |stored| stored.version);
            }
        }
    }
}
