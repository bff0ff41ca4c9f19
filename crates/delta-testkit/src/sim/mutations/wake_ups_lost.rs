use crate::sim::{Mutation, Sight};

/// Clients find everything by their polls.
#[derive(Debug)]
pub(super) struct WakeUpsLost;

impl Mutation for WakeUpsLost {
    fn name(&self) -> &'static str {
        "no wake-up is ever sent"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        2
    }

    fn wakes(&self, _: &Sight<'_>) -> bool {
        false
    }
}
