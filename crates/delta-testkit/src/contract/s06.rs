//! S6: what is claimed, in which order, and what a claim makes of a row.

use std::collections::BTreeSet;

use delta_core::{
    Changeset, Desired, ErrorKind, Lease, Priority, Resource, Scope, ScopeChange, ScopeWrite, State, Store,
};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, object_id_set, object_ids, soon};
use super::rows::{at, changeset, key_in, lane, lane_of, name, row, row_of, settle, synced_row, update};

fn due_at(object_id: &str, seconds: u64) -> Resource {
    Resource { run_at: Some(at(seconds)), ..row(object_id) }
}

/// A claim takes what is due, up to the very moment, and leaves what is not.
pub async fn s06_nothing_is_claimed_before_its_run_at<F: Fixture>(kit: Kit<F>) {
    let later = Resource { run_at: Some(at(10) + std::time::Duration::from_micros(1)), ..row("a microsecond later") };
    kit.insert_all([due_at("before", 9), due_at("now", 10), later, due_at("later", 100)]).await;
    assert_eq!(object_ids(&kit.claim(at(10), 100).await), ["before", "now"]);
    assert_eq!(object_ids(&kit.claim(at(10), 100).await), [""; 0]);
    assert_eq!(object_ids(&kit.claim(at(100), 100).await), ["a microsecond later", "later"]);
}

/// Scheduled, failed and expired resources are claimed; pending, synced, degraded and deleted ones are not.
pub async fn s06_only_claimable_states_are_claimed<F: Fixture>(kit: Kit<F>) {
    let state = |state: State| Resource { state: state.clone(), ..row(state.as_str()) };
    let deleted = Resource {
        state: State::Deleted,
        deleted_at: Some(at(0)),
        deleted_by: Some(delta_core::DeletedBy::Worker),
        desired: Desired::Present,
        run_at: None,
        ..row("deleted")
    };
    let degraded = Resource { run_at: None, ..state(State::Degraded) };
    let synced = synced_row(super::rows::key("synced"), at(0));
    kit.insert_all([state(State::Scheduled), state(State::Failed), state(State::Expired), deleted, degraded, synced])
        .await;
    let claimed = kit.claim(at(100), 100).await;
    assert_eq!(object_id_set(&claimed), BTreeSet::from(["scheduled", "failed", "expired"]));
    assert_eq!(kit.claim(at(1_000), 100).await, [], "what is pending is not claimed again");
}

/// A paused resource, and one of a paused kind or namespace, is left alone until it is resumed.
pub async fn s06_nothing_paused_is_claimed<F: Fixture>(kit: Kit<F>) {
    let lanes = || [lane(), lane_of("default", "still"), lane_of("frozen", "thing")].map(|lane| (lane, 100));
    let paused = Resource { paused: true, ..row("paused") };
    let rows = [row("free"), paused, row_of(key_in("default", "still", "a")), row_of(key_in("frozen", "thing", "b"))];
    let rows = kit.insert_all(rows).await;
    let scopes = [Scope::Kind(name("still")), Scope::Namespace(name("frozen"))];
    let write = |write: ScopeWrite| Changeset {
        scopes: scopes.iter().map(|scope| ScopeChange { scope: scope.clone(), write: write.clone() }).collect(),
        ..Changeset::new(at(1))
    };
    kit.commit(&write(ScopeWrite::Pause)).await;
    assert_eq!(object_ids(&kit.claim_lanes(at(1), lanes()).await), ["free"]);
    kit.commit(&write(ScopeWrite::Resume)).await;
    assert_eq!(object_ids(&kit.claim_lanes(at(2), lanes()).await), ["a", "b"]);
    let mut resumed = update(&rows[1], at(3));
    resumed.row.paused = false;
    applied(&kit.apply(at(3), resumed).await);
    assert_eq!(object_ids(&kit.claim_lanes(at(3), lanes()).await), ["paused"]);
}

/// A resource in a state of another version reads as unknown, and is never claimed.
pub async fn s06_an_unknown_state_is_never_claimed<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    kit.fixture().set_state(stored.id, "hibernating").await.expect("a state set by hand");
    assert_eq!(kit.claim(at(100), 100).await, []);
    assert_eq!(kit.row(stored.id).await, Resource { state: State::from("hibernating"), ..stored });
}

/// Only the lanes that were asked for, each up to its own limit, in the order asked for.
pub async fn s06_each_lane_is_claimed_up_to_its_own_limit<F: Fixture>(kit: Kit<F>) {
    let lanes = [lane_of("two", "thing"), lane_of("one", "thing"), lane_of("one", "other"), lane_of("two", "other")];
    for lane in &lanes {
        let keys = (0..5).map(|n| key_in(lane.namespace.as_str(), lane.kind.as_str(), &format!("{lane}-{n}")));
        kit.insert_all(keys.map(row_of)).await;
    }
    let asked = [(lanes[0].clone(), 2), (lanes[1].clone(), 0), (lanes[2].clone(), 9)];
    let claimed = kit.claim_lanes(at(1), asked).await;
    let lanes_claimed: Vec<_> = claimed.iter().map(|row| row.key.lane()).collect();
    let expected = [vec![lanes[0].clone(); 2], vec![lanes[2].clone(); 5]].concat();
    assert_eq!(lanes_claimed, expected);
    assert_eq!(kit.claim_lanes(at(1), [(lanes[3].clone(), 4)]).await.len(), 4);
}

/// Priority decides, then `run_at`, then the id.
pub async fn s06_within_a_lane_priority_decides_then_age<F: Fixture>(kit: Kit<F>) {
    let with = |object_id: &str, priority, seconds| Resource { priority, ..due_at(object_id, seconds) };
    for row in [
        with("6 last", Priority::LAST, 0),
        with("5 bulk", Priority::BULK, 1),
        with("4 younger", Priority::DEFAULT, 8),
        with("2 older", Priority::DEFAULT, 3),
        with("3 older, higher id", Priority::DEFAULT, 3),
        with("1 first", Priority::FIRST, 9),
        with("7 not due", Priority::FIRST, 11),
    ] {
        kit.insert(row).await;
    }
    let mut order = Vec::new();
    for limit in [1, 2, 1, 9] {
        order.extend(kit.claim(at(10), limit).await.into_iter().map(|row| row.key.object_id.to_string()));
    }
    assert_eq!(order, ["1 first", "2 older", "3 older, higher id", "4 younger", "5 bulk", "6 last"]);
}

/// A claim returns the rows in the order in which they were chosen.
pub async fn s06_claimed_rows_are_returned_in_order<F: Fixture>(kit: Kit<F>) {
    for (number, priority) in [4, 2, 3, 1, 2, 4, 1, 3].into_iter().enumerate() {
        let priority = Priority::new(priority).expect("a priority");
        let seconds = u64::try_from(number * 7 % 5).expect("a small number");
        kit.insert(Resource { priority, ..due_at(&format!("row {number}"), seconds) }).await;
    }
    let claimed = kit.claim(at(10), 100).await;
    let before = kit.load(delta_core::LoadBy::Ids(claimed.iter().map(|row| row.id).collect())).await;
    assert_eq!(before.len(), 8);
    let order: Vec<(u8, usize)> = claimed
        .iter()
        .map(|row| (row.priority.get(), row.key.object_id.as_str()[4..].parse::<usize>().expect("a number") * 7 % 5))
        .collect();
    assert!(order.is_sorted(), "{order:?}");
}

/// What a claim makes of a row, whole.
pub async fn s06_a_claim_writes_the_row_as_the_contract_says<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(Resource { generation: 4, attempt: 2, ..row("a") }).await;
    let other = kit.insert(Resource { priority: Priority::LAST, ..row("b") }).await;
    let events = kit.events().await;
    let request = kit.request(at(5), [(lane(), 100)]);
    let claimed = kit.try_claim(&Changeset::new(at(5)), &request).await.expect("a claim");
    assert_eq!(claimed.receipt, delta_core::Receipt::default());
    let lease = |number, row: &Resource| Lease {
        token: request.base.offset(number),
        generation: row.generation,
        attempt: row.attempt + 1,
        owner: request.owner,
        until: request.until,
        cancel_requested: false,
    };
    let expected = |number, row: Resource| Resource {
        state: State::Pending,
        state_since: at(5),
        updated_at: at(5),
        attempted_at: Some(at(5)),
        attempt: row.attempt + 1,
        version: row.version + 1,
        run_at: None,
        lease: Some(lease(number, &row)),
        ..row
    };
    assert_eq!(claimed.resources, [expected(0, stored), expected(1, other)]);
    for row in claimed.resources {
        assert_eq!(kit.row(row.id).await, row, "the claimed row is the stored one");
    }
    assert_eq!(kit.events().await, events, "a claim appends no event");
}

/// A row that somebody's open transaction has locked is passed over, and holds nobody up.
pub async fn s06_a_claim_passes_over_rows_that_an_open_transaction_holds<F: Fixture>(kit: Kit<F>) {
    let rows = kit.insert_all(["a", "b", "c"].map(row)).await;
    let mut tx = kit.begin().await;
    let mut touched = update(&rows[1], at(1));
    touched.row.priority = Priority::FIRST;
    applied(&kit.apply_in(&mut tx, at(1), touched).await);
    if kit.has_many_writers() {
        let claimed = soon("a claim beside an open transaction", kit.claim(at(2), 100)).await;
        assert_eq!(object_ids(&claimed), ["a", "c"]);
        kit.end(tx, Keep::Commit).await;
        assert_eq!(object_ids(&kit.claim(at(3), 100).await), ["b"], "passed over, not forgotten");
    } else {
        let other = kit.clone();
        let claim = tokio::task::JoinSet::from_iter([async move { other.claim(at(2), 100).await }]);
        kit.end(tx, Keep::Commit).await;
        let claimed = soon("a claim after the transaction", claim.join_all()).await.concat();
        assert_eq!(object_ids(&claimed), ["b", "a", "c"], "nothing is claimed as it was before the transaction");
    }
}

/// Settling a batch and claiming the next travel together.
pub async fn s06_a_claim_settles_what_travels_with_it<F: Fixture>(kit: Kit<F>) {
    let first = kit.claimed(row("first"), at(0)).await;
    let lost = kit.claimed(row("lost"), at(0)).await;
    applied(&kit.apply(at(1), settle(&lost)).await);
    kit.insert(row("second")).await;
    let finished = changeset(at(2), [settle(&first), settle(&lost)]);
    let request = kit.request(at(2), [(lane(), 100)]);
    let claimed = kit.try_claim(&finished, &request).await.expect("a claim");
    assert_eq!(applied(&claimed.receipt.outcomes[0]).id, first.id);
    assert_eq!(claimed.receipt.outcomes[1], delta_core::Outcome::Lost);
    assert_eq!(object_ids(&claimed.resources), ["second"]);
    assert_eq!(kit.row(first.id).await.state, State::Synced);
    assert_eq!(kit.events_of(first.id).await.len(), 2);
}

/// With no lanes a claim only settles.
pub async fn s06_a_claim_without_lanes_only_settles<F: Fixture>(kit: Kit<F>) {
    let first = kit.claimed(row("first"), at(0)).await;
    kit.insert(row("second")).await;
    let request = kit.request(at(2), []);
    let claimed = kit.try_claim(&changeset(at(2), [settle(&first)]), &request).await.expect("a claim");
    assert_eq!(applied(&claimed.receipt.outcomes[0]).id, first.id);
    assert_eq!(claimed.resources, []);
    assert_eq!(kit.claim(at(2), 9).await.len(), 1);
}

/// A claim in a caller's transaction is invalid, and does nothing.
pub async fn s06_a_claim_in_a_transaction_is_invalid<F: Fixture>(kit: Kit<F>) {
    let first = kit.claimed(row("first"), at(0)).await;
    kit.insert(row("second")).await;
    let mut tx = kit.begin().await;
    let request = kit.request(at(2), [(lane(), 9)]);
    let error = kit.store().claim(&mut tx, &changeset(at(2), [settle(&first)]), &request).await;
    assert_eq!(error.expect_err("an error").kind(), ErrorKind::Invalid);
    kit.end(tx, Keep::Commit).await;
    assert_eq!(kit.row(first.id).await, first);
    assert_eq!(kit.claim(at(2), 9).await.len(), 1);
}
