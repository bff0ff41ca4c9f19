use std::time::Duration;

use delta_core::{Due, DueQuery, Resource};

use crate::invariants::{Invariant as _, NothingEarly};
use crate::sim::{Mutation, Sight};

const AHEAD: Duration = Duration::from_hours(24);

/// Takes a retention of days for one of seconds: what somebody may still ask for is gone.
#[derive(Debug)]
pub(super) struct PurgesEarly;

impl Mutation for PurgesEarly {
    fn name(&self) -> &'static str {
        "a deleted row is purged before its retention is over"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(NothingEarly::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn asked_due(&self, _: &Sight<'_>, query: &mut DueQuery) {
        if let Due::Purge { since_by, .. } = &mut query.due {
            *since_by = *since_by + AHEAD;
        }
    }

    fn due(&self, _: &Sight<'_>, query: &DueQuery, rows: &mut Vec<Resource>) {
        if let Due::Purge { .. } = query.due {
            for row in rows {
                row.state_since = row.state_since - AHEAD;
            }
        }
    }
}
