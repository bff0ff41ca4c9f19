use delta_core::Changeset;

use super::drafts::drafts;
use crate::invariants::{GenerationsGrow, Invariant as _};
use crate::sim::{Mutation, Sight};

/// Takes generation and attempt of an event from the row as it is by then: what was worked and what is told of are two.
#[derive(Debug)]
pub(super) struct EventOfRow;

impl Mutation for EventOfRow {
    fn name(&self) -> &'static str {
        "an attempt's event tells of the row in place of the attempt"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(GenerationsGrow::default().name())
    }

    fn seeds(&self) -> u64 {
        6
    }

    fn changeset(&self, _: &Sight<'_>, changes: &mut Changeset) {
        for event in changes.changes.iter_mut().flat_map(drafts).flatten() {
            event.generation = None;
            event.attempt = None;
        }
    }
}
