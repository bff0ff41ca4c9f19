use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use delta_core::{Change, Changeset, Lease, Receipt, ResourceId, Settle, State};

use crate::history::Actor;
use crate::invariants::{Invariant as _, OneLease};
use crate::sim::{Mutation, Sight};

/// Settles by the row's id alone: a statement that comes late, when its sender has given it up, ends the attempt of the one
/// that has taken over.
#[derive(Debug, Default)]
pub(super) struct FenceIgnored {
    late: Mutex<BTreeMap<(u64, ResourceId), Late>>,
}

/// A settlement that comes once more.
#[derive(Debug)]
struct Late {
    sender: Actor,
    lease: Lease,
    settle: Box<Settle>,
}

impl Mutation for FenceIgnored {
    fn name(&self) -> &'static str {
        "a settlement is applied whoever holds the lease"
    }

    fn breaks(&self) -> Option<&'static str> {
        Some(OneLease::default().name())
    }

    fn seeds(&self) -> u64 {
        8
    }

    fn changeset(&self, sight: &Sight<'_>, changes: &mut Changeset) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let named: Vec<ResourceId> = changes.changes.iter().filter_map(Change::id).collect();
        let again: Vec<(u64, ResourceId)> = late
            .iter()
            .filter(|((seed, id), sent)| {
                let held = sight.row(*id).and_then(|row| row.lease).filter(|_| sent.sender == *sight.actor());
                let by_other = held
                    .is_some_and(|lease| lease.owner != sent.lease.owner && lease.generation == sent.lease.generation);
                *seed == sight.seed() && by_other && !named.contains(id)
            })
            .map(|(place, _)| *place)
            .collect();
        for place in again {
            if let Some(sent) = late.remove(&place)
                && let Some(lease) = sight.row(place.1).and_then(|row| row.lease)
            {
                changes.changes.push(Change::Settle(Box::new(Settle { token: lease.token, ..*sent.settle })));
            }
        }
        for change in &changes.changes {
            if let Change::Settle(settle) = change
                && settle.over_at.is_none()
                && settle.unmoved.state == State::Failed
                && let Some(lease) = sight.row(settle.id).and_then(|row| row.lease)
                && lease.token == settle.token
            {
                let sent = Late { sender: sight.actor().clone(), lease, settle: settle.clone() };
                late.insert((sight.seed(), settle.id), sent);
            }
        }
    }

    fn receipt(&self, _: &Sight<'_>, changes: &Changeset, receipt: &mut Receipt) {
        receipt.outcomes.truncate(changes.changes.len());
    }
}
