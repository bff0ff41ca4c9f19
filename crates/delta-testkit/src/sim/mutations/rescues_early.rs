use std::time::Duration;

use delta_core::{Change, Changeset, Due, DueQuery, Resource};

use crate::invariants::{Invariant as _, OneLease};
use crate::sim::{Mutation, Sight};

const AHEAD: Duration = Duration::from_mins(1);

/// Ends attempts that still run: the time of the lease is compared with a clock that is ahead, and not again under the lock.
#[derive(Debug)]
pub(super) struct RescuesEarly;

impl Mutation for RescuesEarly {
    fn name(&self) -> &'static str {
        "a lease that is not over is taken for over"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OneLease::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn asked_due(&self, _: &Sight<'_>, query: &mut DueQuery) {
        if let Due::Rescue { now } = &mut query.due {
            *now = *now + AHEAD;
        }
    }

    fn due(&self, _: &Sight<'_>, query: &DueQuery, rows: &mut Vec<Resource>) {
        if let Due::Rescue { .. } = query.due {
            for lease in rows.iter_mut().filter_map(|row| row.lease.as_mut()) {
                lease.until = lease.until - AHEAD;
            }
        }
    }

    fn changeset(&self, _: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Settle(settle) = change {
                settle.over_at = None;
            }
        }
    }
}
