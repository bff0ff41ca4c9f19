use delta_core::ClaimRequest;

use crate::sim::{Mutation, Sight};

/// A claim may answer fewer rows than it could.
#[derive(Debug)]
pub(super) struct ClaimsOfOne;

impl Mutation for ClaimsOfOne {
    fn name(&self) -> &'static str {
        "no claim answers more than one row"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        2
    }

    fn request(&self, _: &Sight<'_>, request: &mut ClaimRequest) {
        request.lanes.truncate(1);
        for (_, limit) in &mut request.lanes {
            *limit = 1.min(*limit);
        }
    }
}
