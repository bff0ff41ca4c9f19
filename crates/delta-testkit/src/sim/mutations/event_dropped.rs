use delta_core::{Changeset, EventKind};

use super::drafts::drafts;
use crate::invariants::{Invariant as _, LogExplainsRows};
use crate::sim::{Mutation, Sight};

/// Ends an attempt without the event that tells of it: the second of two statements is outside of the transaction.
#[derive(Debug)]
pub(super) struct EventDropped;

impl Mutation for EventDropped {
    fn name(&self) -> &'static str {
        "the end of an attempt appends no event"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(LogExplainsRows::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for events in changes.changes.iter_mut().flat_map(drafts) {
            if events.iter().any(|event| matches!(event.kind, EventKind::Synced | EventKind::Failed))
                && sight.happens(200)
            {
                events.clear();
            }
        }
    }
}
