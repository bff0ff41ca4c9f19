//! S5: `Access::Write` holds the loaded rows until the transaction ends, and a hot key makes progress.

use delta_core::{Access, Depth, ErrorKind, Load, LoadBy, Outcome, Resource, Store};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, give_way, object_ids, soon};
use super::rows::{at, changeset, inform, insert, key, row};

fn locking(by: LoadBy) -> Load {
    Load { by, depth: Depth::Full, access: Access::Write }
}

async fn lock<F: Fixture>(kit: &Kit<F>, tx: &mut F::Tx, by: LoadBy) -> Vec<Resource> {
    kit.store().load(tx, &locking(by)).await.expect("a locking load")
}

/// A lock that would end with the call is refused.
pub async fn s05_a_locking_load_outside_of_a_transaction_is_invalid<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    let mut conn = kit.writer().await;
    for by in [LoadBy::Ids(vec![stored.id]), LoadBy::Keys(vec![key("a")])] {
        let error = kit.store().load(&mut conn, &locking(by)).await.expect_err("no transaction");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

/// A write of a locked row waits, and then finds what the transaction left.
pub async fn s05_a_locked_row_is_not_written_by_others_before_the_transaction_ends<F: Fixture>(kit: Kit<F>) {
    let rows = kit.insert_all(["by id", "by key"].map(row)).await;
    for (read, by) in [(&rows[0], LoadBy::Ids(vec![rows[0].id])), (&rows[1], LoadBy::Keys(vec![key("by key")]))] {
        let mut tx = kit.begin().await;
        assert_eq!(lock(&kit, &mut tx, by).await, std::slice::from_ref(read));
        let (other, change) = (kit.clone(), inform(read, at(2)));
        let other = JoinSet::from_iter([async move { other.apply(at(2), change).await }]);
        give_way().await;
        applied(&kit.apply_in(&mut tx, at(1), inform(read, at(1))).await);
        kit.end(tx, Keep::Commit).await;
        let outcome = soon("a write of a row that was locked", other.join_all()).await[0];
        assert_eq!(outcome, Outcome::Stale, "{}", read.key);
        assert_eq!(kit.row(read.id).await.updated_at, at(1), "{}", read.key);
    }
}

/// A lock that was only held lets go with the transaction, and nothing is stale.
pub async fn s05_a_lock_ends_with_its_transaction<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    let mut read = stored.clone();
    for keep in [Keep::Commit, Keep::Rollback] {
        let mut tx = kit.begin().await;
        lock(&kit, &mut tx, LoadBy::Ids(vec![read.id])).await;
        let (other, change) = (kit.clone(), inform(&read, at(2)));
        let other = JoinSet::from_iter([async move { other.apply(at(2), change).await }]);
        give_way().await;
        kit.end(tx, keep).await;
        applied(&soon("a write of a row that was locked", other.join_all()).await[0]);
        read = kit.row(read.id).await;
    }
    assert_eq!(read.version, stored.version + 2);
}

/// A claim passes over a row that is locked, and does not wait for it.
pub async fn s05_a_locked_row_is_not_claimed<F: Fixture>(kit: Kit<F>) {
    let rows = kit.insert_all(["a", "b"].map(row)).await;
    let mut tx = kit.begin().await;
    lock(&kit, &mut tx, LoadBy::Ids(vec![rows[0].id])).await;
    if kit.has_many_writers() {
        assert_eq!(object_ids(&soon("a claim beside a lock", kit.claim(at(1), 9)).await), ["b"]);
    }
    applied(&kit.apply_in(&mut tx, at(1), inform(&rows[0], at(1))).await);
    kit.end(tx, Keep::Commit).await;
    let claimed = kit.claim(at(1), 9).await;
    let passed_over = claimed.iter().find(|row| row.id == rows[0].id).expect("it is claimed later");
    assert_eq!(passed_over.lease.expect("a lease").generation, 2);
}

/// A locking load waits for the row, and reads it as it is then.
pub async fn s05_a_locking_load_reads_what_the_transaction_before_it_left<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    let mut tx = kit.begin().await;
    applied(&kit.apply_in(&mut tx, at(1), inform(&stored, at(1))).await);
    let other = kit.clone();
    let second = JoinSet::from_iter([async move {
        let mut tx = other.begin().await;
        let rows = lock(&other, &mut tx, LoadBy::Keys(vec![key("a")])).await;
        other.end(tx, Keep::Rollback).await;
        rows
    }]);
    give_way().await;
    kit.end(tx, Keep::Commit).await;
    let rows = soon("a locking load of a row that was locked", second.join_all()).await.concat();
    assert_eq!(rows, [kit.row(stored.id).await]);
    assert_eq!(rows[0].generation, 2);
    assert!(rows[0].detail.as_ref().is_some_and(|detail| detail.object.contains('2')), "{rows:?}");
}

/// Everybody's turn comes, and no turn is lost.
pub async fn s05_a_hot_key_makes_progress<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("hot")).await;
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let kit = kit.clone();
        tasks.spawn(async move {
            for _ in 0..8 {
                let mut tx = kit.begin().await;
                let rows = lock(&kit, &mut tx, LoadBy::Keys(vec![key("hot")])).await;
                applied(&kit.apply_in(&mut tx, at(1), inform(&rows[0], at(1))).await);
                kit.end(tx, Keep::Commit).await;
            }
        });
    }
    soon("turns on a hot key", tasks.join_all()).await;
    assert_eq!(kit.row(stored.id).await.generation, 41);
}

/// Keys named in opposite orders are locked in one order.
pub async fn s05_locking_loads_in_opposite_orders_do_not_deadlock<F: Fixture>(kit: Kit<F>) {
    let names: Vec<String> = (0..8).map(|n| format!("{n}")).collect();
    kit.insert_all(names.iter().map(|name| row(name))).await;
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let kit = kit.clone();
        let mut keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        if task % 2 == 1 {
            keys.reverse();
        }
        tasks.spawn(async move {
            for _ in 0..10 {
                let mut tx = kit.begin().await;
                let rows = lock(&kit, &mut tx, LoadBy::Keys(keys.clone())).await;
                let receipt =
                    kit.commit_in(&mut tx, &changeset(at(1), rows.iter().map(|row| inform(row, at(1))))).await;
                assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
                kit.end(tx, Keep::Commit).await;
            }
        });
    }
    soon("locking loads", tasks.join_all()).await;
    let rows = kit.load(LoadBy::Keys(names.iter().map(|name| key(name)).collect())).await;
    assert_eq!(rows.iter().map(|row| row.generation).collect::<Vec<_>>(), [41; 8]);
}

/// What does not exist is not locked: an insert of the key goes on beside the open transaction.
pub async fn s05_a_key_that_does_not_exist_is_not_locked<F: Fixture>(kit: Kit<F>) {
    kit.insert(row("a")).await;
    let mut tx = kit.begin().await;
    let keys = vec![key("absent"), key("a")];
    assert_eq!(object_ids(&lock(&kit, &mut tx, LoadBy::Keys(keys)).await), ["a"]);
    if kit.has_many_writers() {
        applied(&soon("an insert beside a lock", kit.apply(at(1), insert(row("absent")))).await);
        kit.end(tx, Keep::Rollback).await;
    } else {
        kit.end(tx, Keep::Rollback).await;
        applied(&kit.apply(at(1), insert(row("absent"))).await);
    }
}
