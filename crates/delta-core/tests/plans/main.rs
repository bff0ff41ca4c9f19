//! The plans as tables: rows and an input in, the exact changes out, written by hand from the behaviour contract.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too, though clippy does not see it")]

mod attempts;
mod batches;
mod case;
mod coverage;
mod drafts;
mod informs;
mod invariants;
mod labels;
mod maintenance;
mod requests;
mod rows;
mod said;
mod states_doc;
mod world;

use case::Case;

/// Every hand-written case of a state and an input.
fn cases() -> Vec<Case> {
    [informs::cases(), attempts::cases(), requests::cases(), maintenance::cases()].into_iter().flatten().collect()
}
