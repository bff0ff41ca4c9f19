//! The simulation of Delta itself: a fleet of clients of several versions, with callers, informers and consumers.

mod call;
mod caller;
mod consume;
mod model;
mod plan;
mod thing;
mod work;

pub use call::{Call, How};
pub use model::Fleet;
pub use plan::{invariants, scenario};

/// Every kind of fault that happens to the fleet.
#[must_use]
pub fn faults() -> Vec<&'static str> {
    super::fault::KINDS.into_iter().chain(work::MISHAPS).collect()
}
