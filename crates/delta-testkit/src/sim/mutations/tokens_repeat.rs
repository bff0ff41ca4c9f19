use delta_core::{ClaimRequest, LeaseToken};

use crate::invariants::{Invariant as _, NamesOnce};
use crate::sim::{Mutation, Sight};

/// Counts the tokens of leases from the same number in every claim: a generator that was seeded with a constant.
#[derive(Debug)]
pub(super) struct TokensRepeat;

impl Mutation for TokensRepeat {
    fn name(&self) -> &'static str {
        "tokens of leases repeat"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(NamesOnce::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn request(&self, sight: &Sight<'_>, request: &mut ClaimRequest) {
        if sight.happens(200) {
            request.base = LeaseToken::new(1);
        }
    }
}
