//! S2: two claims never return one resource under live leases; a claim and an inform of the same row both survive.

use std::collections::{BTreeMap, BTreeSet};

use delta_core::{LoadBy, Outcome, Resource, ResourceId, State};
use tokio::task::JoinSet;

use super::fixture::Fixture;
use super::kit::{Kit, soon};
use super::rows::{at, inform, row, settle};

/// Claims all that there is from several tasks at once; no resource is given out twice, and none is left.
pub async fn s02_concurrent_claims_are_disjoint<F: Fixture>(kit: Kit<F>) {
    const ROWS: usize = 150;
    let inserted = kit.insert_all((0..ROWS).map(|n| row(&format!("{n}")))).await;
    let mut claimers = JoinSet::new();
    for claimer in 0..4_u32 {
        let kit = kit.clone();
        claimers.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let batch = kit.claim(at(1), 3 + claimer).await;
                assert!(batch.len() <= 3 + claimer as usize, "{} claimed of {}", batch.len(), 3 + claimer);
                if batch.is_empty() {
                    return claimed;
                }
                claimed.extend(batch);
            }
        });
    }
    let mut claimed = soon("four claimers", claimers.join_all()).await.concat();
    // What a claimer passed over because another had it locked for a moment is nobody's yet.
    claimed.extend(kit.claim(at(1), 1_000).await);
    let ids: BTreeSet<ResourceId> = claimed.iter().map(|row| row.id).collect();
    let tokens: BTreeSet<_> = claimed.iter().map(|row| row.lease.expect("a lease").token).collect();
    assert_eq!((claimed.len(), ids.len(), tokens.len()), (ROWS, ROWS, ROWS));
    assert_eq!(ids, inserted.iter().map(|row| row.id).collect());
    let stored: BTreeMap<ResourceId, Resource> =
        kit.load(LoadBy::Ids(ids.into_iter().collect())).await.into_iter().map(|row| (row.id, row)).collect();
    for row in claimed {
        assert_eq!(stored[&row.id], row, "the stored lease is the one that was given out");
    }
}

/// Informs each row once, again as often as somebody else wrote it in between.
async fn inform_each<F: Fixture>(kit: Kit<F>, ids: Vec<ResourceId>) {
    for id in ids {
        loop {
            let read = kit.row(id).await;
            match kit.apply(at(2), inform(&read, at(2))).await {
                Outcome::Applied(_) => break,
                Outcome::Stale => tokio::task::yield_now().await,
                other => panic!("an inform was {other:?}"),
            }
        }
    }
}

/// Whichever comes first, the other is not lost.
pub async fn s02_a_claim_and_an_inform_of_one_row_both_survive<F: Fixture>(kit: Kit<F>) {
    let ids: Vec<ResourceId> =
        kit.insert_all((0..40).map(|n| row(&format!("{n:02}")))).await.iter().map(|row| row.id).collect();
    let informer = JoinSet::from_iter([inform_each(kit.clone(), ids.clone())]);
    let mut claimed = Vec::new();
    soon("every row is claimed", async {
        while claimed.len() < ids.len() {
            claimed.extend(kit.claim(at(2), 1).await);
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon("every row is informed", informer.join_all()).await;
    for taken in claimed {
        let lease = taken.lease.expect("a lease");
        let now = kit.row(taken.id).await;
        assert_eq!((now.generation, now.attempt), (2, 1), "the inform and the claim are both there");
        assert_eq!((now.state, now.lease), (State::Pending, Some(lease)));
        let asked_again = (lease.generation == 1).then_some(at(2));
        assert_eq!(now.run_at, asked_again, "an inform of a pending row asks for another run");
    }
}

/// Whichever comes first, the resource ends up claimable in its second generation.
pub async fn s02_a_settlement_and_an_inform_of_one_row_both_survive<F: Fixture>(kit: Kit<F>) {
    kit.insert_all((0..40).map(|n| row(&format!("{n:02}")))).await;
    let claimed = kit.claim(at(1), 100).await;
    let ids: Vec<ResourceId> = claimed.iter().map(|row| row.id).collect();
    let informer = JoinSet::from_iter([inform_each(kit.clone(), ids.clone())]);
    for row in &claimed {
        assert!(kit.apply(at(2), settle(row)).await.applied().is_some());
    }
    soon("every row is informed", informer.join_all()).await;
    for row in kit.load(LoadBy::Ids(ids)).await {
        let found = (row.state, row.generation, row.synced_generation, row.run_at, row.lease);
        assert_eq!(found, (State::Scheduled, 2, 1, Some(at(2)), None));
    }
}
