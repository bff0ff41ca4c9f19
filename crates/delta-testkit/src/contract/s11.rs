//! S11: "locked by somebody" is never taken for "does not exist".

use delta_core::{Access, Change, Changeset, Depth, Load, LoadBy, Locked, Outcome, Resource, State, Store};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, give_way, object_ids, soon};
use super::rows::{IntoChange, at, changeset, inform, insert, key, lane, remove, renew, row, settle};

/// Four rows, and one change of each kind about them, whose fences hold.
async fn one_of_each<F: Fixture>(kit: &Kit<F>) -> (Vec<Resource>, Vec<Change>) {
    let mut rows = Vec::new();
    for id in ["settled", "renewed"] {
        rows.push(kit.claimed(row(id), at(0)).await);
    }
    rows.extend(kit.insert_all(["updated", "removed"].map(row)).await);
    let changes = vec![
        settle(&rows[0]).into_change(),
        renew(&rows[1], at(600)).into_change(),
        inform(&rows[2], at(1)).into_change(),
        remove(&rows[3]).into_change(),
    ];
    (rows, changes)
}

async fn lock_all<F: Fixture>(kit: &Kit<F>, tx: &mut F::Tx, rows: &[Resource]) {
    let by = LoadBy::Ids(rows.iter().map(|row| row.id).collect());
    let load = Load { by, depth: Depth::Head, access: Access::Write };
    assert_eq!(kit.store().load(tx, &load).await.expect("a locking load").len(), rows.len());
}

/// Whoever skips is told that the rows are busy, at once, and the rest of the changeset applies.
pub async fn s11_locked_rows_are_busy_to_whoever_skips_them<F: Fixture>(kit: Kit<F>) {
    let (rows, mut changes) = one_of_each(&kit).await;
    changes.push(insert(row("new")));
    let skip = Changeset { locked: Locked::Skip, ..changeset(at(1), changes) };
    let mut tx = kit.begin().await;
    lock_all(&kit, &mut tx, &rows).await;
    if kit.has_many_writers() {
        let events = kit.events().await.len();
        let receipt = soon("a changeset that skips", kit.commit(&skip)).await;
        assert_eq!(receipt.outcomes[..4], [Outcome::Busy; 4]);
        applied(&receipt.outcomes[4]);
        assert_eq!(kit.load(LoadBy::Ids(rows.iter().map(|row| row.id).collect())).await, rows);
        assert_eq!(kit.events().await.len(), events + 1, "what is busy appends nothing");
    }
    kit.end(tx, Keep::Rollback).await;
    let again = Changeset { changes: skip.changes[..4].to_vec(), ..skip };
    let receipt = kit.commit(&again).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
}

/// Whoever waits finds the rows as the transaction leaves them: unchanged, or moved on.
pub async fn s11_locked_rows_are_waited_for_by_whoever_does_not_skip_them<F: Fixture>(kit: Kit<F>) {
    let (rows, changes) = one_of_each(&kit).await;
    let wait = changeset(at(1), changes);
    for (keep, others) in [(Keep::Rollback, false), (Keep::Commit, true)] {
        let mut tx = kit.begin().await;
        lock_all(&kit, &mut tx, &rows).await;
        if others {
            let receipt = kit.commit_in(&mut tx, &wait).await;
            assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
        }
        let (other, changes) = (kit.clone(), wait.clone());
        let waiting = JoinSet::from_iter([async move {
            if others {
                return other.commit(&changes).await.outcomes;
            }
            // Rolled back, so that the second round finds what the first found.
            let mut tx = other.begin().await;
            let receipt = other.commit_in(&mut tx, &changes).await;
            other.end(tx, Keep::Rollback).await;
            receipt.outcomes
        }]);
        give_way().await;
        kit.end(tx, keep).await;
        let outcomes = soon("a changeset that waits", waiting.join_all()).await.concat();
        if others {
            let renewed = outcomes[1];
            assert!(renewed.applied().is_some(), "a heartbeat fits the lease that another heartbeat renewed");
            assert_eq!([outcomes[0], outcomes[2], outcomes[3]], [Outcome::Lost, Outcome::Stale, Outcome::Stale]);
        } else {
            assert!(outcomes.iter().all(|outcome| outcome.applied().is_some()), "{outcomes:?}");
        }
    }
}

/// A fence that no longer holds is lost whoever has the row; a store that does not look may say that it is busy. Neither
/// waits, and neither writes.
pub async fn s11_a_lost_fence_of_a_locked_row_writes_nothing<F: Fixture>(kit: Kit<F>) {
    let (mut rows, changes) = one_of_each(&kit).await;
    let receipt = kit.commit(&changeset(at(1), changes[..3].to_vec())).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
    // The renewal still fits its lease, and the removal its version: not those that come after these.
    applied(&kit.apply(at(2), settle(&rows[1])).await);
    applied(&kit.apply(at(2), inform(&rows[3], at(2))).await);
    rows = kit.load(LoadBy::Ids(rows.iter().map(|row| row.id).collect())).await;
    let events = kit.events().await.len();
    let skip = Changeset { locked: Locked::Skip, ..changeset(at(3), changes) };
    let mut tx = kit.begin().await;
    lock_all(&kit, &mut tx, &rows).await;
    if kit.has_many_writers() {
        let receipt = soon("a changeset that skips", kit.commit(&skip)).await;
        let lost = [Outcome::Lost, Outcome::Lost, Outcome::Stale, Outcome::Stale];
        for (outcome, lost) in receipt.outcomes.iter().zip(lost) {
            assert!([lost, Outcome::Busy].contains(outcome), "expected {lost:?}, found {receipt:?}");
        }
    }
    kit.end(tx, Keep::Rollback).await;
    let receipt = kit.commit(&skip).await;
    assert_eq!(receipt.outcomes, [Outcome::Lost, Outcome::Lost, Outcome::Stale, Outcome::Stale]);
    assert_eq!(kit.load(LoadBy::Ids(rows.iter().map(|row| row.id).collect())).await, rows);
    assert_eq!(kit.events().await.len(), events);
}

/// A settlement that travels with a claim is busy, and the claim goes on.
pub async fn s11_a_locked_row_holds_up_no_claim<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("claimed"), at(0)).await;
    kit.insert(row("next")).await;
    let finished = Changeset { locked: Locked::Skip, ..changeset(at(1), [settle(&claimed)]) };
    let request = kit.request(at(1), [(lane(), 9)]);
    let mut tx = kit.begin().await;
    lock_all(&kit, &mut tx, std::slice::from_ref(&claimed)).await;
    if kit.has_many_writers() {
        let next = soon("a claim that skips", kit.try_claim(&finished, &request)).await.expect("a claim");
        assert_eq!(next.receipt.outcomes, [Outcome::Busy]);
        assert_eq!(object_ids(&next.resources), ["next"]);
    }
    kit.end(tx, Keep::Commit).await;
    applied(&kit.apply(at(2), settle(&claimed)).await);
    assert_eq!(kit.row(claimed.id).await.state, State::Synced);
}

/// A reader neither waits for a lock nor misses what is locked, and sees it as it was committed.
pub async fn s11_a_locked_row_is_read_as_it_is_committed<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    let mut tx = kit.begin().await;
    lock_all(&kit, &mut tx, std::slice::from_ref(&stored)).await;
    assert_eq!(soon("a read of a locked row", kit.row(stored.id)).await, stored);
    applied(&kit.apply_in(&mut tx, at(1), inform(&stored, at(1))).await);
    assert_eq!(soon("a read of a row that is being written", kit.row(stored.id)).await, stored);
    assert_eq!(kit.find(&key("a")).await, Some(stored.clone()));
    kit.end(tx, Keep::Commit).await;
    assert_eq!(kit.row(stored.id).await.generation, 2);
}

/// The key of a locked row exists: an insert of it is stale, and does not wait.
pub async fn s11_the_key_of_a_locked_row_exists<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    let mut tx = kit.begin().await;
    lock_all(&kit, &mut tx, std::slice::from_ref(&stored)).await;
    let other = kit.clone();
    let inserting = JoinSet::from_iter([async move { other.apply(at(1), insert(row("a"))).await }]);
    let outcome = if kit.has_many_writers() {
        let outcome = soon("an insert of a locked row's key", inserting.join_all()).await;
        kit.end(tx, Keep::Commit).await;
        outcome
    } else {
        kit.end(tx, Keep::Commit).await;
        inserting.join_all().await
    };
    assert_eq!(outcome, [Outcome::Stale]);
}
