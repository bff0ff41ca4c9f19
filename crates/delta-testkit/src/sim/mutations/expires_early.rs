use std::time::Duration;

use delta_core::{Change, Changeset, Due, DueQuery, Resource, State};

use crate::invariants::{Invariant as _, NothingEarly};
use crate::sim::{Mutation, Sight};

const AHEAD: Duration = Duration::from_hours(2);

/// Takes the time of the synchronisation as if it were of another time zone.
#[derive(Debug)]
pub(super) struct ExpiresEarly;

impl Mutation for ExpiresEarly {
    fn name(&self) -> &'static str {
        "what was synced expires before its period is over"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(NothingEarly::default().name())
    }

    fn seeds(&self) -> u64 {
        8
    }

    fn asked_due(&self, _: &Sight<'_>, query: &mut DueQuery) {
        if let Due::Expiry { synced_by } = &mut query.due {
            *synced_by = *synced_by + AHEAD;
        }
    }

    fn due(&self, _: &Sight<'_>, query: &DueQuery, rows: &mut Vec<Resource>) {
        if let Due::Expiry { .. } = query.due {
            for row in rows {
                row.synced_at = row.synced_at.map(|at| at - AHEAD);
            }
        }
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Update(update) = change
                && update.row.state == State::Expired
                && let Some(stored) = sight.row(update.row.id)
            {
                update.row.synced_at = stored.synced_at;
            }
        }
    }
}
