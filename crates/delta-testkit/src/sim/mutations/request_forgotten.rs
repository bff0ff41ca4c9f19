use delta_core::{Change, Changeset, EventKind, LeaseWrite};

use crate::invariants::{AcknowledgedKept, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Leaves the mark for the holder, or for whoever claims, out of the row: the caller believes that it stops, and nobody stops it.
#[derive(Debug)]
pub(super) struct RequestForgotten;

impl Mutation for RequestForgotten {
    fn name(&self) -> &'static str {
        "a request to cancel or to pause is acknowledged, and not noted"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(AcknowledgedKept::default().name())
    }

    fn seeds(&self) -> u64 {
        6
    }

    fn changeset(&self, _: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Update(update) = change {
                update.lease = LeaseWrite::Keep;
                if update.events.iter().any(|event| event.kind == EventKind::Paused) {
                    update.row.paused = false;
                    update.events.clear();
                }
            }
        }
    }
}
