use delta_core::{Change, Changeset};

use crate::invariants::{AcknowledgedKept, Invariant as _};
use crate::sim::{Fate, Mutation, Sight};

/// Answers before the transaction is durable, and then loses it: a failover to a standby that is behind.
#[derive(Debug)]
pub(super) struct CommitForgotten;

impl Mutation for CommitForgotten {
    fn name(&self) -> &'static str {
        "a commit is answered, and not kept"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(AcknowledgedKept::default().name())
    }

    fn seeds(&self) -> u64 {
        4
    }

    fn fate(&self, sight: &Sight<'_>, changes: &Changeset) -> Fate {
        let informs = changes.changes.iter().any(|change| matches!(change, Change::Insert(_) | Change::Update(_)));
        if informs && sight.happens(100) { Fate::Forgotten } else { Fate::Kept }
    }
}
