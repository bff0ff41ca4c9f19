use delta_core::{Change, Changeset, Desired, EventKind, RunAt, State};

use crate::invariants::{Invariant as _, SettledTruthfully};
use crate::sim::{Mutation, Sight};

/// Records an attempt that failed as one that succeeded: an error that is logged, and not returned.
#[derive(Debug)]
pub(super) struct FailureTakenForSuccess;

impl Mutation for FailureTakenForSuccess {
    fn name(&self) -> &'static str {
        "a failed attempt is recorded as done"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(SettledTruthfully::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Settle(settle) = change
                && settle.over_at.is_none()
                && settle.unmoved.state == State::Failed
                && let Some(row) = sight.row(settle.id)
                && row.desired == Desired::Present
                && let Some(lease) = row.lease
            {
                settle.error = None;
                settle.unmoved.state = State::Synced;
                settle.unmoved.run_at = RunAt::Never;
                settle.unmoved.synced_generation = Some(lease.generation);
                for event in &mut settle.unmoved.events {
                    event.kind = EventKind::Synced;
                }
            }
        }
    }
}
