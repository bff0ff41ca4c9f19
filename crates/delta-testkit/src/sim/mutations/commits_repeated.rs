use delta_core::Changeset;

use crate::sim::{Fate, Mutation, Sight};

/// What is fenced may be sent again: the second time it is stale, lost or already so.
#[derive(Debug)]
pub(super) struct CommitsRepeated;

impl Mutation for CommitsRepeated {
    fn name(&self) -> &'static str {
        "a driver sends commits twice"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        2
    }

    fn fate(&self, sight: &Sight<'_>, _: &Changeset) -> Fate {
        if sight.happens(50) { Fate::Repeated } else { Fate::Kept }
    }
}
