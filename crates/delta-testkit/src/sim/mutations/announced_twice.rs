use delta_core::{Changeset, EventKind};

use super::drafts::drafts;
use crate::invariants::{GenerationsGrow, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Tells twice that something is due, once where it is decided and once where it is written: whoever counts work counts it
/// twice.
#[derive(Debug)]
pub(super) struct AnnouncedTwice;

impl Mutation for AnnouncedTwice {
    fn name(&self) -> &'static str {
        "that a generation is to be worked is told twice"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(GenerationsGrow::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for events in changes.changes.iter_mut().flat_map(drafts) {
            if let Some(event) = events.last().cloned()
                && matches!(event.kind, EventKind::Scheduled(_))
                && sight.happens(100)
            {
                events.push(event);
            }
        }
    }
}
