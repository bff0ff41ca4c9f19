use crate::lease::Lease;
use crate::resource::Resource;
use crate::state::State;
use crate::timestamp::Timestamp;
use crate::transition::{Effect, Facts, Input, find};

/// Takes a resource under a lease, if it may be claimed. Says whether it did.
///
/// Stores do this in their own way, by the same rule; the reference model calls this.
#[must_use]
pub fn claim(row: &mut Resource, lease: Lease, now: Timestamp) -> bool {
    if find(Input::Claim, &Facts::of(Some(row), now)).effect != Effect::Claim {
        return false;
    }
    row.state = State::Pending;
    row.state_since = now;
    row.attempted_at = Some(now);
    row.updated_at = now;
    row.attempt += 1;
    row.version += 1;
    row.run_at = None;
    row.lease = Some(Lease { generation: row.generation, attempt: row.attempt, cancel_requested: false, ..lease });
    true
}
