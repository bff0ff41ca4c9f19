use delta_core::{CONSUMER_PREFIX, Changeset, CursorChange};

use crate::invariants::{ConsumedOnce, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Moves a consumer's cursor when it hands an event out: what is in hand as the process ends is lost.
#[derive(Debug)]
pub(super) struct CursorAhead;

impl Mutation for CursorAhead {
    fn name(&self) -> &'static str {
        "a cursor is stored before its event is handled"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(ConsumedOnce::default().name())
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
                cursor.position = Some((position + 1).to_string());
            }
        }
    }
}
