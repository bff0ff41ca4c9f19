use delta_core::Changeset;

use super::drafts::drafts;
use crate::invariants::{Invariant as _, LogExplainsRows};
use crate::sim::{Mutation, Sight};

/// Writes a row without the event that tells of it: the second of two statements is outside of the transaction.
#[derive(Debug)]
pub(super) struct EventDropped;

impl Mutation for EventDropped {
    fn name(&self) -> &'static str {
        "a change appends no event"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(LogExplainsRows::default().name())
    }

    fn seeds(&self) -> u64 {
        1
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for events in changes.changes.iter_mut().flat_map(drafts) {
            if sight.happens(50) {
                events.clear();
            }
        }
    }
}
