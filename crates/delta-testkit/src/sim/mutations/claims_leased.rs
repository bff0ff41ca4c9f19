use delta_core::{ClaimRequest, Resource, State};

use crate::invariants::{Invariant as _, OneLease};
use crate::sim::{Mutation, Sight};

/// Takes a row that somebody else works: a claim without a lock, or that joins its conditions wrongly.
#[derive(Debug)]
pub(super) struct ClaimsLeased;

impl Mutation for ClaimsLeased {
    fn name(&self) -> &'static str {
        "a claim takes what is leased already"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OneLease::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn request(&self, sight: &Sight<'_>, request: &mut ClaimRequest) {
        let is_other = |row: &Resource| {
            let lane = request.lanes.iter().any(|(lane, _)| *lane == row.key.lane());
            lane && !row.paused && row.lease.is_some_and(|lease| lease.generation == row.generation)
        };
        let Some(leased) = sight.rows().into_iter().find(is_other).filter(|_| sight.happens(500)) else { return };
        sight.edit(leased.id, |row| {
            row.state = State::Scheduled;
            row.run_at = Some(request.now);
            row.attempt -= 1;
            row.version += 1;
            row.lease = None;
        });
    }
}
