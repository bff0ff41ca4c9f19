use delta_core::{Changeset, CursorChange, plan::schedule::InformCursor};

use crate::invariants::{Invariant as _, MarksMoveForward};
use crate::sim::{Mutation, Sight};

/// Takes the newest object of a run as its mark, although an earlier run came further: objects are read again and again.
#[derive(Debug)]
pub(super) struct MarkGoesBack;

impl Mutation for MarkGoesBack {
    fn name(&self) -> &'static str {
        "an informer's mark is stored behind where it stood"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(MarksMoveForward::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, _: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.cursors {
            if let CursorChange::Put(cursor) = change
                && matches!(InformCursor::parse(&cursor.name), Some(InformCursor::Mark(..)))
                && let Some(mark) = cursor.position.as_deref().and_then(|position| position.parse::<i64>().ok())
            {
                let back = cursor.version % 2 * 1_000_000_000;
                cursor.position = Some((mark - back).to_string());
            }
        }
    }
}
