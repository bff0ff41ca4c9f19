use std::time::Duration;

use delta_core::ClaimRequest;

use crate::invariants::{Invariant as _, NothingEarly};
use crate::sim::{Mutation, Sight};

/// Asks for what is due by a clock that is ahead: no back-off and no delay is kept.
#[derive(Debug)]
pub(super) struct ClaimsEarly;

impl Mutation for ClaimsEarly {
    fn name(&self) -> &'static str {
        "a claim takes what is not due yet"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(NothingEarly::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn request(&self, _: &Sight<'_>, request: &mut ClaimRequest) {
        request.now = request.now + Duration::from_mins(1);
    }
}
