//! S4: one lock order everywhere, so that overlapping batches do not deadlock.

use delta_core::{Change, ErrorKind, LoadBy, Outcome, Resource, ResourceId, Store};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, give_way, skipped, soon};
use super::rows::{IntoChange, at, changeset, inform, insert, key, renew, row, update};

/// The changes forwards in one task, backwards in the next.
fn turned<T>(mut changes: Vec<T>, task: usize) -> Vec<T> {
    if task % 2 == 1 {
        changes.reverse();
    }
    changes
}

/// Batches over the same rows in opposite orders, many times.
pub async fn s04_overlapping_updates_in_opposite_orders_do_not_deadlock<F: Fixture>(kit: Kit<F>) {
    let ids: Vec<ResourceId> =
        kit.insert_all((0..12).map(|n| row(&format!("{n}")))).await.iter().map(|row| row.id).collect();
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let (kit, ids) = (kit.clone(), ids.clone());
        tasks.spawn(async move {
            let mut written = 0;
            for _ in 0..25 {
                let rows = kit.load(LoadBy::Ids(ids.clone())).await;
                let updates = turned(rows, task).into_iter().map(|row| update(&row, at(1)));
                let receipt = kit.commit(&changeset(at(1), updates)).await;
                written += receipt.outcomes.iter().filter(|outcome| outcome.applied().is_some()).count();
            }
            written
        });
    }
    let written: usize = soon("overlapping updates", tasks.join_all()).await.into_iter().sum();
    let versions: i64 = kit.load(LoadBy::Ids(ids)).await.iter().map(|row| row.version - 1).sum();
    assert_eq!(usize::try_from(versions).expect("a count"), written, "every applied update counted up one version");
}

/// Heartbeats over the same leases in opposite orders, many times.
pub async fn s04_overlapping_heartbeats_in_opposite_orders_do_not_deadlock<F: Fixture>(kit: Kit<F>) {
    kit.insert_all((0..12).map(|n| row(&format!("{n}")))).await;
    let claimed = kit.claim(at(1), 12).await;
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let (kit, claimed) = (kit.clone(), turned(claimed.clone(), task));
        tasks.spawn(async move {
            for round in 0..25 {
                let renewals = claimed.iter().map(|row| renew(row, at(100 + round)));
                let receipt = kit.commit(&changeset(at(2), renewals)).await;
                assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
            }
        });
    }
    soon("overlapping heartbeats", tasks.join_all()).await;
}

/// Batches of the same new keys in opposite orders, beside a row that all of them write: each key is inserted once.
pub async fn s04_overlapping_inserts_in_opposite_orders_do_not_deadlock<F: Fixture>(kit: Kit<F>) {
    let shared = kit.insert(row("shared")).await;
    for round in 0..12 {
        let mut tasks = JoinSet::new();
        for task in 0..3 {
            let (kit, id) = (kit.clone(), shared.id);
            tasks.spawn(async move {
                let read = kit.row(id).await;
                let mut changes: Vec<Change> = (0..15).map(|n| insert(row(&format!("{round}-{n}")))).collect();
                changes.push(update(&read, at(1)).into_change());
                let receipt = kit.commit(&changeset(at(1), turned(changes, task))).await;
                turned(receipt.outcomes, task)
            });
        }
        let outcomes = soon("overlapping inserts", tasks.join_all()).await;
        for n in 0..15 {
            let inserted = outcomes.iter().filter(|outcomes| outcomes[n].applied().is_some()).count();
            let stale = outcomes.iter().filter(|outcomes| outcomes[n] == Outcome::Stale).count();
            assert_eq!((inserted, stale), (1, 2), "round {round}, key {n}");
        }
    }
}

/// One key, inserted by several at once.
pub async fn s04_one_of_several_inserts_of_a_key_is_applied<F: Fixture>(kit: Kit<F>) {
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let kit = kit.clone();
            tasks.spawn(async move { kit.apply(at(1), insert(row(&format!("{round}")))).await });
        }
        let outcomes = soon("inserts of one key", tasks.join_all()).await;
        let ids: Vec<ResourceId> = outcomes.iter().filter_map(Outcome::applied).map(|applied| applied.id).collect();
        assert_eq!(ids.len(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Stale).count(), 3, "{outcomes:?}");
        assert_eq!(kit.find(&key(&format!("{round}"))).await.map(|row| row.id), Some(ids[0]));
        assert_eq!(kit.events_of(ids[0]).await.len(), 1, "a stale insert appends nothing");
    }
}

/// Inserts a key that an open transaction has inserted, and ends that transaction while the insert waits.
async fn insert_beside<F: Fixture>(kit: &Kit<F>, keep: Keep) -> (ResourceId, Outcome) {
    let mut tx = kit.begin().await;
    let first = applied(&kit.apply_in(&mut tx, at(1), insert(row("a"))).await).id;
    let other = kit.clone();
    let second = JoinSet::from_iter([async move { other.apply(at(1), insert(row("a"))).await }]);
    give_way().await;
    kit.end(tx, keep).await;
    (first, soon("an insert of a key that was being inserted", second.join_all()).await[0])
}

/// An insert waits for the open transaction that inserted its key, and is stale once that commits.
pub async fn s04_an_insert_is_stale_once_the_transaction_that_inserted_its_key_commits<F: Fixture>(kit: Kit<F>) {
    let (first, outcome) = insert_beside(&kit, Keep::Commit).await;
    assert_eq!(outcome, Outcome::Stale);
    assert_eq!(kit.find(&key("a")).await.map(|row| row.id), Some(first));
}

/// An insert waits for the open transaction that inserted its key, and goes on once that is rolled back.
pub async fn s04_an_insert_goes_on_once_the_transaction_that_inserted_its_key_is_rolled_back<F: Fixture>(kit: Kit<F>) {
    let (_, outcome) = insert_beside(&kit, Keep::Rollback).await;
    let id = applied(&outcome).id;
    assert_eq!(kit.find(&key("a")).await.map(|row| row.id), Some(id));
}

/// Two callers that each hold what the other needs: one gets a conflict, and the other goes on.
pub async fn s04_a_deadlock_of_callers_is_a_conflict_of_one<F: Fixture>(kit: Kit<F>) {
    if !kit.has_many_writers() {
        return skipped("the store has one writer, so two transactions never wait for each other");
    }
    let rows = kit.insert_all(["a", "b"].map(row)).await;
    let mut tasks = JoinSet::new();
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    for (mine, others) in [(0, 1), (1, 0)] {
        let (kit, rows, barrier) = (kit.clone(), rows.clone(), barrier.clone());
        tasks.spawn(async move {
            let mut tx = kit.begin().await;
            applied(&kit.apply_in(&mut tx, at(1), inform(&rows[mine], at(1))).await);
            barrier.wait().await;
            let changes = changeset(at(1), [inform(&rows[others], at(1))]);
            match kit.store().commit(&mut tx, &changes).await {
                Ok(receipt) => {
                    applied(&receipt.outcomes[0]);
                    kit.end(tx, Keep::Commit).await;
                    None
                }
                Err(error) => {
                    kit.end(tx, Keep::Rollback).await;
                    Some(error.kind())
                }
            }
        });
    }
    let ends = soon("two callers that wait for each other", tasks.join_all()).await;
    assert_eq!(ends.iter().flatten().collect::<Vec<_>>(), [&ErrorKind::Conflict], "{ends:?}");
    let stored = kit.load(LoadBy::Ids(rows.iter().map(|row| row.id).collect())).await;
    let versions: Vec<i64> = stored.iter().map(|row: &Resource| row.version).collect();
    assert_eq!(versions, [2, 2], "all that one of them wrote, and nothing of the other");
}
