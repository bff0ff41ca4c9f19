use delta_core::{Change, Changeset};

use crate::invariants::{Invariant as _, LegalTransitions};
use crate::sim::{Mutation, Sight};

/// Does not give back the attempt of a snooze or of a shutdown: after ten of them the resource gives up without an error.
#[derive(Debug)]
pub(super) struct SnoozeCosts;

impl Mutation for SnoozeCosts {
    fn name(&self) -> &'static str {
        "what was not worked costs an attempt"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(LegalTransitions::default().name())
    }

    fn seeds(&self) -> u64 {
        6
    }

    fn changeset(&self, _: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Settle(settle) = change {
                settle.unmoved.attempt = None;
            }
        }
    }
}
