//! Deliberately broken stores, and what each invariant is worth: every one has a mutation that it catches.
//!
//! Beside them is what looks odd and is allowed, under which every invariant must hold.

mod attempt_not_counted;
mod claimed_rows_lost;
mod claims_leased;
mod claims_of_one;
mod commit_forgotten;
mod commits_repeated;
mod commits_slow;
mod cursor_ahead;
mod cursor_back;
mod drafts;
mod event_dropped;
mod event_of_row;
mod event_twice;
mod generation_stays;
mod lanes_in_another_order;
mod limit_not_looked_at;
mod log_reorders;
mod mark_goes_back;
mod page_reorders;
mod page_skips;
mod pages_of_one;
mod rescues_early;
mod run_at_kept;
mod synced_ahead;
mod term_not_counted;
mod tokens_repeat;
mod update_lost;
mod wake_ups_lost;

use std::sync::Arc;

use attempt_not_counted::AttemptNotCounted;
use claimed_rows_lost::ClaimedRowsLost;
use claims_leased::ClaimsLeased;
use claims_of_one::ClaimsOfOne;
use commit_forgotten::CommitForgotten;
use commits_repeated::CommitsRepeated;
use commits_slow::CommitsSlow;
use cursor_ahead::CursorAhead;
use cursor_back::CursorBack;
use event_dropped::EventDropped;
use event_of_row::EventOfRow;
use event_twice::EventTwice;
use generation_stays::GenerationStays;
use lanes_in_another_order::LanesInAnotherOrder;
use limit_not_looked_at::LimitNotLookedAt;
use log_reorders::LogReorders;
use mark_goes_back::MarkGoesBack;
use page_reorders::PageReorders;
use page_skips::PageSkips;
use pages_of_one::PagesOfOne;
use rescues_early::RescuesEarly;
use run_at_kept::RunAtKept;
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
        Arc::new(AttemptNotCounted),
        Arc::new(LimitNotLookedAt),
        Arc::new(ClaimsLeased),
        Arc::new(RescuesEarly),
        Arc::new(TermNotCounted),
        Arc::new(CommitForgotten),
        Arc::new(LogReorders),
        Arc::new(EventDropped),
        Arc::new(EventTwice),
        Arc::new(EventOfRow),
        Arc::new(PageSkips),
        Arc::new(PageReorders),
        Arc::new(CursorAhead),
        Arc::new(CursorBack),
        Arc::new(MarkGoesBack),
        Arc::new(WakeUpsLost),
        Arc::new(ClaimsOfOne),
        Arc::new(LanesInAnotherOrder),
        Arc::new(CommitsSlow),
        Arc::new(CommitsRepeated),
        Arc::new(PagesOfOne),
        Arc::new(ClaimedRowsLost),
    ]
}
