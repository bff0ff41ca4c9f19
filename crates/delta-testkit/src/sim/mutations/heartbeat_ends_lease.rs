use delta_core::{Change, Changeset};

use crate::invariants::{Invariant as _, OneLease};
use crate::sim::{Mutation, Sight};

/// Writes the moment of the heartbeat in place of the lease's new end: the holder believes that it has time, and the others
/// rescue.
#[derive(Debug)]
pub(super) struct HeartbeatEndsLease;

impl Mutation for HeartbeatEndsLease {
    fn name(&self) -> &'static str {
        "a heartbeat does not make the lease longer"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OneLease::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn changeset(&self, _: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Renew(renew) = change {
                renew.until = changes.now;
            }
        }
    }
}
