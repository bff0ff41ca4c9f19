use delta_core::{Changeset, EventKind};

use super::drafts::drafts;
use crate::invariants::{Invariant as _, LogExplainsRows};
use crate::sim::{Mutation, Sight};

/// Appends an event again when its statement is tried again: the insert has no fence of its own.
#[derive(Debug)]
pub(super) struct EventTwice;

impl Mutation for EventTwice {
    fn name(&self) -> &'static str {
        "an event is appended twice"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(LogExplainsRows::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for events in changes.changes.iter_mut().flat_map(drafts) {
            if let Some(event) = events.last().cloned()
                && event.kind == EventKind::Failed
                && sight.happens(200)
            {
                events.push(event);
            }
        }
    }
}
