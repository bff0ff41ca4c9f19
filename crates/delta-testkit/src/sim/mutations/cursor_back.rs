use delta_core::{CONSUMER_PREFIX, Changeset, CursorChange};

use crate::invariants::{Invariant as _, MarksMoveForward};
use crate::sim::{Mutation, Sight};

/// Writes a place that is behind the one that is there: two writes of one holder overtake each other.
#[derive(Debug)]
pub(super) struct CursorBack;

impl Mutation for CursorBack {
    fn name(&self) -> &'static str {
        "a consumer's cursor is stored where it stood before"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(MarksMoveForward::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.cursors {
            if let CursorChange::Put(cursor) = change
                && cursor.name.starts_with(CONSUMER_PREFIX)
                && let Some(position) = cursor.position.as_deref().and_then(|position| position.parse::<i64>().ok())
                && sight.happens(100)
            {
                cursor.position = Some((position - 2).max(0).to_string());
            }
        }
    }
}
