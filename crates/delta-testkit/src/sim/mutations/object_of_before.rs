use delta_core::Claimed;

use crate::invariants::{Invariant as _, ObjectOfGeneration};
use crate::sim::{Mutation, Sight};

/// Answers a claimed row with the object that it had before: one statement locks the hot row and joins the cold one as it was
/// in its snapshot, as Postgres does.
#[derive(Debug)]
pub(super) struct ObjectOfBefore;

impl Mutation for ObjectOfBefore {
    fn name(&self) -> &'static str {
        "a claim answers the object of an earlier generation"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(ObjectOfGeneration::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn claimed(&self, sight: &Sight<'_>, claimed: &mut Claimed) {
        for row in &mut claimed.resources {
            if let Some(earlier) = sight.earlier(row.id, row.generation) {
                row.detail = earlier.detail;
            }
        }
    }
}
