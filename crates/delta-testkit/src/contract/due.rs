//! What is due for maintenance.

use std::collections::BTreeSet;

use delta_core::{AbsentBy, DeletedBy, Desired, Due, DueQuery, Names, Resource, ResourceId, State, Store, Timestamp};

use super::fixture::Fixture;
use super::kit::{Kit, applied, object_ids};
use super::rows::{at, key, key_in, name, renew, row, row_of, settle, synced_row};

fn all(due: Due) -> DueQuery {
    DueQuery { due, namespaces: Names::All, kinds: Names::All, limit: 100 }
}

async fn due<F: Fixture>(kit: &Kit<F>, query: &DueQuery) -> Vec<String> {
    let mut conn = kit.reader().await;
    let rows = kit.store().due(&mut conn, query).await.expect("what is due");
    assert!(rows.iter().all(|row| row.detail.is_none()), "what is due is read at its head only");
    drop(conn);
    for head in &rows {
        let whole = kit.row(head.id).await;
        assert_eq!(*head, Resource { detail: None, ..whole }, "a head is the row without its detail");
    }
    rows.into_iter().map(|row| row.key.object_id.to_string()).collect()
}

fn in_state(object_id: &str, state: State, since: u64) -> Resource {
    Resource {
        deleted_at: (state == State::Deleted).then_some(at(since)),
        deleted_by: (state == State::Deleted).then_some(DeletedBy::Worker),
        run_at: state.is_claimable().then_some(at(0)),
        state_since: at(since),
        state,
        ..row(object_id)
    }
}

/// Synced, and not worked since: the longest first, up to the very moment, as many as asked for.
pub async fn due_for_expiry_is_what_was_synced_long_ago<F: Fixture>(kit: Kit<F>) {
    let old = |object_id: &str, seconds| synced_row(key(object_id), at(seconds));
    let touched = Resource { state_since: at(1_000), updated_at: at(1_000), ..old("touched since", 20) };
    let expired = Resource { state: State::Expired, run_at: Some(at(9)), ..old("expired", 1) };
    let paused = Resource { paused: true, ..old("paused", 15) };
    kit.insert_all([old("c", 30), old("a", 10), old("d", 31), touched, paused, expired, row("new")]).await;
    let query = |synced_by, limit| DueQuery { limit, ..all(Due::Expiry { synced_by }) };
    assert_eq!(due(&kit, &query(at(30), 100)).await, ["a", "paused", "touched since", "c"]);
    assert_eq!(due(&kit, &query(at(30), 3)).await, ["a", "paused", "touched since"]);
    assert_eq!(due(&kit, &query(Timestamp::from_micros(at(10).as_micros() - 1), 9)).await, [""; 0]);
}

/// Pending, and the lease over: the longest first.
pub async fn due_for_rescue_is_what_has_a_lease_that_is_over<F: Fixture>(kit: Kit<F>) {
    let mut claimed = Vec::new();
    for (number, object_id) in ["b", "a", "renewed", "settled", "later"].into_iter().enumerate() {
        let now = at(u64::try_from(number).expect("a small number"));
        claimed.push(kit.claimed(row(object_id), now).await);
    }
    kit.insert(row("scheduled")).await;
    applied(&kit.apply(at(5), renew(&claimed[2], at(500))).await);
    applied(&kit.apply(at(5), settle(&claimed[3])).await);
    let query = |now, limit| DueQuery { limit, ..all(Due::Rescue { now }) };
    assert_eq!(due(&kit, &query(at(61), 100)).await, ["b", "a"]);
    assert_eq!(due(&kit, &query(at(61), 1)).await, ["b"]);
    assert_eq!(due(&kit, &query(at(60), 100)).await, ["b"]);
    assert_eq!(due(&kit, &query(at(59), 100)).await, [""; 0]);
    assert_eq!(due(&kit, &query(at(900), 100)).await, ["b", "a", "later", "renewed"]);
}

/// In the state that was asked for, since then or before: the longest first. Degraded only if it is to be present.
pub async fn due_for_purge_is_what_is_past_its_retention<F: Fixture>(kit: Kit<F>) {
    let absent =
        Resource { desired: Desired::Absent(AbsentBy::Request), ..in_state("degraded, absent", State::Degraded, 1) };
    let deleted_absent =
        Resource { desired: Desired::Absent(AbsentBy::Missing), ..in_state("deleted, absent", State::Deleted, 4) };
    let synced = Resource { state_since: at(2), ..synced_row(key("synced"), at(1)) };
    kit.insert_all([
        in_state("deleted 9", State::Deleted, 9),
        in_state("deleted 3", State::Deleted, 3),
        deleted_absent,
        in_state("degraded 2", State::Degraded, 2),
        in_state("degraded 1", State::Degraded, 1),
        absent,
        synced,
        in_state("failed", State::Failed, 1),
    ])
    .await;
    let query = |state, since_by, limit| DueQuery { limit, ..all(Due::Purge { state, since_by: at(since_by) }) };
    assert_eq!(due(&kit, &query(State::Deleted, 8, 100)).await, ["deleted 3", "deleted, absent"]);
    assert_eq!(due(&kit, &query(State::Deleted, 9, 100)).await, ["deleted 3", "deleted, absent", "deleted 9"]);
    assert_eq!(due(&kit, &query(State::Deleted, 9, 2)).await, ["deleted 3", "deleted, absent"]);
    assert_eq!(due(&kit, &query(State::Degraded, 9, 100)).await, ["degraded 1", "degraded 2"]);
    assert_eq!(due(&kit, &query(State::Synced, 1, 100)).await, [""; 0]);
    assert_eq!(due(&kit, &query(State::Synced, 2, 100)).await, ["synced"]);
}

/// Every resource of the lanes, page by page, by id.
pub async fn due_for_the_end_of_a_full_run_is_every_resource_by_id<F: Fixture>(kit: Kit<F>) {
    let mut rows: Vec<Resource> = State::KNOWN
        .into_iter()
        .filter(|state| *state != State::Pending)
        .map(|state| in_state(state.as_str(), state.clone(), 1))
        .collect();
    rows.push(Resource { paused: true, ..row("paused") });
    rows.push(row("unknown"));
    let mut stored = kit.insert_all(rows).await;
    kit.fixture().set_state(stored[7].id, "hibernating").await.expect("a state set by hand");
    kit.insert(row_of(key_in("elsewhere", "thing", "elsewhere"))).await;
    stored.sort_by_key(|row| row.id);
    let (mut after, mut found) = (ResourceId::default(), Vec::new());
    loop {
        let query = DueQuery {
            namespaces: Names::one(name("default")),
            kinds: Names::one(name("thing")),
            limit: 3,
            due: Due::Missing { after },
        };
        let mut conn = kit.reader().await;
        let page = kit.store().due(&mut conn, &query).await.expect("a page");
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = last.id;
        found.extend(page);
        assert!(found.len() <= stored.len(), "no row is on two pages");
    }
    assert_eq!(object_ids(&found), object_ids(&stored));
}

/// Kinds and namespaces choose, in every kind of query.
pub async fn due_queries_choose_kinds_and_namespaces<F: Fixture>(kit: Kit<F>) {
    let lanes = [("one", "cat"), ("one", "dog"), ("two", "cat"), ("two", "dog")];
    for (number, (namespace, kind)) in lanes.into_iter().enumerate() {
        let number = u64::try_from(number).expect("a small number");
        let key = |what: &str| key_in(namespace, kind, &format!("{namespace}.{kind}.{what}"));
        kit.claimed(row_of(key("pending")), at(number)).await;
        kit.insert(synced_row(key("synced"), at(number))).await;
    }
    let only = |names: &[&str]| Names::Only(names.iter().map(|text| name(text)).collect());
    let except = |names: &[&str]| Names::Except(names.iter().map(|text| name(text)).collect());
    let choices = [
        (Names::All, Names::All),
        (only(&["one"]), Names::All),
        (Names::All, only(&["dog"])),
        (only(&["two"]), only(&["dog", "cow"])),
        (except(&["two"]), only(&["cat"])),
        (except(&["one", "none"]), except(&["cat"])),
        (only(&[]), Names::All),
        (except(&[]), Names::All),
        (only(&["none"]), Names::All),
        (Names::All, except(&["none"])),
    ];
    for (namespaces, kinds) in choices {
        let chosen = |what: &str| -> Vec<String> {
            lanes
                .into_iter()
                .filter(|(namespace, kind)| namespaces.contains(&name(namespace)) && kinds.contains(&name(kind)))
                .map(|(namespace, kind)| format!("{namespace}.{kind}.{what}"))
                .collect()
        };
        let query = |due| DueQuery { due, namespaces: namespaces.clone(), kinds: kinds.clone(), limit: 100 };
        let what = format!("{namespaces:?}, {kinds:?}");
        assert_eq!(due(&kit, &query(Due::Expiry { synced_by: at(9) })).await, chosen("synced"), "{what}");
        assert_eq!(due(&kit, &query(Due::Rescue { now: at(99) })).await, chosen("pending"), "{what}");
        let purge = Due::Purge { state: State::Synced, since_by: at(9) };
        assert_eq!(due(&kit, &query(purge)).await, chosen("synced"), "{what}");
        let missing = due(&kit, &query(Due::Missing { after: ResourceId::default() })).await;
        let expected: BTreeSet<String> = chosen("synced").into_iter().chain(chosen("pending")).collect();
        assert_eq!(missing.into_iter().collect::<BTreeSet<_>>(), expected, "{what}");
    }
}
