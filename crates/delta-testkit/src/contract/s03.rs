//! S3: a fence that no longer holds writes nothing and appends no event, and the caller's transaction stays usable.

use delta_core::{Outcome, ResourceId, State};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied};
use super::rows::{IntoChange, at, changeset, inform, insert, key, remove, renew, rescue, row, settle, update};

/// Asserts that these changes are lost or stale, and that nothing of them is to be seen.
async fn writes_nothing<F: Fixture>(kit: &Kit<F>, id: ResourceId, changes: Vec<(delta_core::Change, Outcome)>) {
    let (row_before, events_before) = (kit.get(id).await, kit.events().await);
    for (change, expected) in changes {
        let outcome = kit.apply(at(90), change.clone()).await;
        assert_eq!(outcome, expected, "{change:?}");
        assert_eq!(kit.get(id).await, row_before, "{change:?} left the row alone");
        assert_eq!(kit.events().await, events_before, "{change:?} appended nothing");
    }
}

/// A worker that reports after its lease was over, and its resource was claimed again by the same process.
pub async fn s03_a_late_settlement_after_a_rescue_and_a_claim_by_the_same_owner_writes_nothing<F: Fixture>(
    kit: Kit<F>,
) {
    let late = kit.claimed(row("a"), at(0)).await;
    applied(&kit.apply(at(61), rescue(&late, at(61))).await);
    let mut request = kit.request(at(62), [(super::rows::lane(), 1)]);
    request.owner = late.lease.expect("a lease").owner;
    let claimed = kit.try_claim(&changeset(at(62), [] as [delta_core::Change; 0]), &request).await.expect("a claim");
    assert_eq!(claimed.resources.len(), 1);
    let lost = vec![
        (settle(&late).into_change(), Outcome::Lost),
        (renew(&late, at(500)).into_change(), Outcome::Lost),
        (rescue(&late, at(500)).into_change(), Outcome::Lost),
    ];
    writes_nothing(&kit, late.id, lost).await;
    applied(&kit.apply(at(91), settle(&claimed.resources[0])).await);
}

/// A worker that reports after its lease was over, and its resource was claimed by another process.
pub async fn s03_a_late_settlement_after_a_rescue_and_a_claim_by_another_owner_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let late = kit.claimed(row("a"), at(0)).await;
    applied(&kit.apply(at(61), rescue(&late, at(61))).await);
    let claimed = kit.claim(at(62), 1).await;
    assert_ne!(claimed[0].lease.expect("a lease").owner, late.lease.expect("a lease").owner);
    let lost = vec![
        (settle(&late).into_change(), Outcome::Lost),
        (renew(&late, at(500)).into_change(), Outcome::Lost),
        (rescue(&late, at(500)).into_change(), Outcome::Lost),
    ];
    writes_nothing(&kit, late.id, lost).await;
    applied(&kit.apply(at(91), settle(&claimed[0])).await);
}

/// A worker that reports after its lease was over, while nobody has the resource.
pub async fn s03_a_late_settlement_after_a_rescue_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let late = kit.claimed(row("a"), at(0)).await;
    applied(&kit.apply(at(61), rescue(&late, at(61))).await);
    let lost = vec![
        (settle(&late).into_change(), Outcome::Lost),
        (renew(&late, at(500)).into_change(), Outcome::Lost),
        (rescue(&late, at(500)).into_change(), Outcome::Lost),
    ];
    writes_nothing(&kit, late.id, lost).await;
    assert_eq!(kit.row(late.id).await.state, State::Failed);
}

/// A worker that reports twice.
pub async fn s03_a_second_settlement_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(0)).await;
    applied(&kit.apply(at(1), settle(&claimed)).await);
    let lost = vec![
        (settle(&claimed).into_change(), Outcome::Lost),
        (renew(&claimed, at(500)).into_change(), Outcome::Lost),
        (rescue(&claimed, at(500)).into_change(), Outcome::Lost),
    ];
    writes_nothing(&kit, claimed.id, lost).await;
}

/// A worker that reports after its resource was purged, and the key was informed again.
pub async fn s03_a_late_settlement_after_a_purge_and_a_new_life_of_the_key_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let late = kit.claimed(row("a"), at(0)).await;
    applied(&kit.apply(at(61), rescue(&late, at(61))).await);
    let rescued = kit.row(late.id).await;
    applied(&kit.apply(at(62), remove(&rescued)).await);
    let gone = vec![
        (settle(&late).into_change(), Outcome::Lost),
        (renew(&late, at(500)).into_change(), Outcome::Lost),
        (rescue(&late, at(500)).into_change(), Outcome::Lost),
    ];
    writes_nothing(&kit, late.id, gone.clone()).await;
    let reborn = kit.claimed(row("a"), at(63)).await;
    assert_ne!(reborn.id, late.id);
    writes_nothing(&kit, reborn.id, gone).await;
    let mut under_the_new_id = settle(&late);
    under_the_new_id.id = reborn.id;
    writes_nothing(&kit, reborn.id, vec![(under_the_new_id.into_change(), Outcome::Lost)]).await;
}

/// A rescue that was decided before the lease was renewed.
pub async fn s03_a_rescue_of_a_renewed_lease_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(0)).await;
    applied(&kit.apply(at(59), renew(&claimed, at(120))).await);
    writes_nothing(&kit, claimed.id, vec![(rescue(&claimed, at(90)).into_change(), Outcome::Lost)]).await;
    let before_its_end = rescue(&claimed, at(119));
    writes_nothing(&kit, claimed.id, vec![(before_its_end.into_change(), Outcome::Lost)]).await;
    applied(&kit.apply(at(120), rescue(&claimed, at(120))).await);
}

/// An inform, or a purge, that was decided on a version that has moved on.
pub async fn s03_an_update_or_removal_of_a_stale_version_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let read = kit.insert(row("a")).await;
    applied(&kit.apply(at(1), inform(&read, at(1))).await);
    let ahead = delta_core::Resource { version: 3, ..read.clone() };
    let stale = vec![
        (inform(&read, at(2)).into_change(), Outcome::Stale),
        (remove(&read).into_change(), Outcome::Stale),
        (update(&ahead, at(2)).into_change(), Outcome::Stale),
    ];
    writes_nothing(&kit, read.id, stale).await;
}

/// Changes of a row that is gone.
pub async fn s03_changes_of_a_row_that_is_gone_write_nothing<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(0)).await;
    let read = kit.row(claimed.id).await;
    applied(&kit.apply(at(1), remove(&read)).await);
    let gone = vec![
        (update(&read, at(2)).into_change(), Outcome::Stale),
        (remove(&read).into_change(), Outcome::Stale),
        (settle(&claimed).into_change(), Outcome::Lost),
        (renew(&claimed, at(9)).into_change(), Outcome::Lost),
        (rescue(&claimed, at(99)).into_change(), Outcome::Lost),
    ];
    writes_nothing(&kit, read.id, gone).await;
}

/// An insert of a key that exists.
pub async fn s03_an_insert_of_an_existing_key_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    let mut other = row("a");
    other.generation = 7;
    writes_nothing(&kit, stored.id, vec![(insert(other), Outcome::Stale)]).await;
    assert_eq!(kit.find(&key("a")).await, Some(stored));
}

/// Each change stands and falls by its own fence, and the outcomes are in the order of the changes.
pub async fn s03_a_lost_fence_leaves_out_its_own_change_only<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("claimed"), at(0)).await;
    let settled = kit.claimed(row("settled"), at(0)).await;
    applied(&kit.apply(at(1), settle(&settled)).await);
    let read = kit.insert_all(["first", "second", "third"].map(row)).await;
    applied(&kit.apply(at(1), inform(&read[1], at(1))).await);
    let before = kit.events().await.len();
    let changes = changeset(
        at(2),
        [
            settle(&settled).into_change(),
            inform(&read[2], at(2)).into_change(),
            insert(row("first")),
            insert(row("new")),
            inform(&read[1], at(2)).into_change(),
            settle(&claimed).into_change(),
            remove(&read[0]).into_change(),
        ],
    );
    let receipt = kit.commit(&changes).await;
    let applied: Vec<bool> = receipt.outcomes.iter().map(|outcome| outcome.applied().is_some()).collect();
    assert_eq!(applied, [false, true, false, true, false, true, true]);
    assert_eq!(receipt.outcomes[0], Outcome::Lost);
    assert_eq!([receipt.outcomes[2], receipt.outcomes[4]], [Outcome::Stale; 2]);
    assert_eq!(kit.events().await.len(), before + 4);
    assert_eq!(kit.row(claimed.id).await.state, State::Synced);
    assert_eq!(kit.row(read[2].id).await.generation, 2);
    assert_eq!(kit.get(read[0].id).await, None);
    assert!(kit.find(&key("new")).await.is_some());
}

/// Losing a fence is an outcome: the transaction goes on, and what else it writes stays.
pub async fn s03_a_transaction_stays_usable_after_a_lost_fence<F: Fixture>(kit: Kit<F>) {
    let late = kit.claimed(row("late"), at(0)).await;
    applied(&kit.apply(at(1), settle(&late)).await);
    let read = kit.insert(row("read")).await;
    applied(&kit.apply(at(1), inform(&read, at(1))).await);
    let before = kit.events().await.len();

    let mut tx = kit.begin().await;
    assert_eq!(kit.apply_in(&mut tx, at(2), insert(row("read"))).await, Outcome::Stale);
    assert_eq!(kit.apply_in(&mut tx, at(2), settle(&late)).await, Outcome::Lost);
    assert_eq!(kit.apply_in(&mut tx, at(2), renew(&late, at(9))).await, Outcome::Lost);
    assert_eq!(kit.apply_in(&mut tx, at(2), inform(&read, at(2))).await, Outcome::Stale);
    assert_eq!(kit.apply_in(&mut tx, at(2), remove(&read)).await, Outcome::Stale);
    applied(&kit.apply_in(&mut tx, at(2), insert(row("new"))).await);
    kit.end(tx, Keep::Commit).await;

    assert!(kit.find(&key("new")).await.is_some());
    assert_eq!(kit.events().await.len(), before + 1);
}
