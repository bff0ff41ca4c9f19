//! Deliberately broken stores, and what each invariant is worth: every one has a mutation that it catches.
//!
//! Beside them is what looks odd and is allowed, under which every invariant must hold.

mod announced_twice;
mod attempt_not_counted;
mod claimed_rows_lost;
mod claims_early;
mod claims_leased;
mod claims_of_one;
mod commit_forgotten;
mod commits_repeated;
mod commits_slow;
mod cursor_ahead;
mod cursor_back;
mod cursor_fence_ignored;
mod drafts;
mod event_dropped;
mod event_of_row;
mod event_twice;
mod expires_early;
mod failure_taken_for_success;
mod fence_ignored;
mod generation_stays;
mod heartbeat_ends_lease;
mod idle_log;
mod lane_hidden;
mod lanes_in_another_order;
mod lease_of_place_unseen;
mod limit_not_looked_at;
mod log_reorders;
mod mark_goes_back;
mod nobody_rescues;
mod object_of_before;
mod page_goes_on_too_far;
mod page_reorders;
mod page_skips;
mod pages_of_one;
mod purges_early;
mod request_forgotten;
mod rescues_early;
mod run_at_kept;
mod snooze_costs;
mod synced_ahead;
mod term_not_counted;
mod tokens_repeat;
mod update_lost;
mod wake_ups_lost;

use std::sync::Arc;

use announced_twice::AnnouncedTwice;
use attempt_not_counted::AttemptNotCounted;
use claimed_rows_lost::ClaimedRowsLost;
use claims_early::ClaimsEarly;
use claims_leased::ClaimsLeased;
use claims_of_one::ClaimsOfOne;
use commit_forgotten::CommitForgotten;
use commits_repeated::CommitsRepeated;
use commits_slow::CommitsSlow;
use cursor_ahead::CursorAhead;
use cursor_back::CursorBack;
use cursor_fence_ignored::CursorFenceIgnored;
use event_dropped::EventDropped;
use event_of_row::EventOfRow;
use event_twice::EventTwice;
use expires_early::ExpiresEarly;
use failure_taken_for_success::FailureTakenForSuccess;
use fence_ignored::FenceIgnored;
use generation_stays::GenerationStays;
use heartbeat_ends_lease::HeartbeatEndsLease;
use idle_log::IdleLog;
use lane_hidden::LaneHidden;
use lanes_in_another_order::LanesInAnotherOrder;
use lease_of_place_unseen::LeaseOfPlaceUnseen;
use limit_not_looked_at::LimitNotLookedAt;
use log_reorders::LogReorders;
use mark_goes_back::MarkGoesBack;
use nobody_rescues::NobodyRescues;
use object_of_before::ObjectOfBefore;
use page_goes_on_too_far::PageGoesOnTooFar;
use page_reorders::PageReorders;
use page_skips::PageSkips;
use pages_of_one::PagesOfOne;
use purges_early::PurgesEarly;
use request_forgotten::RequestForgotten;
use rescues_early::RescuesEarly;
use run_at_kept::RunAtKept;
use snooze_costs::SnoozeCosts;
use synced_ahead::SyncedAhead;
use term_not_counted::TermNotCounted;
use tokens_repeat::TokensRepeat;
use update_lost::UpdateLost;
use wake_ups_lost::WakeUpsLost;

use super::mutation::Mutation;

/// Every mutation, in the order of the invariants that catch them; what is allowed comes last.
#[must_use]
pub fn all() -> Vec<Arc<dyn Mutation>> {
    vec![
        Arc::new(SyncedAhead),
        Arc::new(RunAtKept),
        Arc::new(TokensRepeat),
        Arc::new(GenerationStays),
        Arc::new(UpdateLost),
        Arc::new(SnoozeCosts),
        Arc::new(AttemptNotCounted),
        Arc::new(LimitNotLookedAt),
        Arc::new(ClaimsLeased),
        Arc::new(RescuesEarly),
        Arc::new(FenceIgnored::default()),
        Arc::new(HeartbeatEndsLease),
        Arc::new(ObjectOfBefore),
        Arc::new(FailureTakenForSuccess),
        Arc::new(ClaimsEarly),
        Arc::new(PurgesEarly),
        Arc::new(ExpiresEarly),
        Arc::new(CursorFenceIgnored),
        Arc::new(LeaseOfPlaceUnseen),
        Arc::new(TermNotCounted),
        Arc::new(CommitForgotten),
        Arc::new(RequestForgotten),
        Arc::new(LogReorders),
        Arc::new(AnnouncedTwice),
        Arc::new(EventOfRow),
        Arc::new(EventDropped),
        Arc::new(EventTwice),
        Arc::new(CursorBack),
        Arc::new(MarkGoesBack),
        Arc::new(PageSkips),
        Arc::new(PageReorders),
        Arc::new(PageGoesOnTooFar),
        Arc::new(CursorAhead),
        Arc::new(IdleLog),
        Arc::new(NobodyRescues),
        Arc::new(LaneHidden),
        Arc::new(WakeUpsLost),
        Arc::new(ClaimsOfOne),
        Arc::new(LanesInAnotherOrder),
        Arc::new(CommitsSlow),
        Arc::new(CommitsRepeated),
        Arc::new(PagesOfOne),
        Arc::new(ClaimedRowsLost),
    ]
}
