//! Which lanes have something to claim.

use std::collections::BTreeSet;

use delta_core::{Changeset, Lane, LaneQuery, Names, Resource, Scope, ScopeChange, ScopeWrite, State, Store};

use super::fixture::Fixture;
use super::kit::Kit;
use super::rows::{at, key_in, lane_of, name, row_of, synced_row};

async fn lanes<F: Fixture>(kit: &Kit<F>, query: &LaneQuery) -> BTreeSet<Lane> {
    let mut conn = kit.reader().await;
    let lanes = kit.store().lanes(&mut conn, query).await.expect("lanes");
    let set: BTreeSet<Lane> = lanes.iter().cloned().collect();
    assert_eq!(set.len(), lanes.len(), "each lane once: {lanes:?}");
    set
}

fn all(seconds: u64) -> LaneQuery {
    LaneQuery { now: at(seconds), namespaces: Names::All, kinds: Names::All }
}

/// Each lane with a resource that a claim would take, once.
pub async fn lanes_are_those_that_have_something_to_claim<F: Fixture>(kit: Kit<F>) {
    let of = |kind: &str, n: u64| row_of(key_in("default", kind, &format!("{n}")));
    let rows = [
        of("scheduled", 1),
        of("scheduled", 2),
        Resource { state: State::Failed, ..of("failed", 1) },
        Resource { state: State::Expired, ..of("expired", 1) },
        Resource { run_at: Some(at(10)), ..of("later", 1) },
        Resource { paused: true, ..of("paused", 1) },
        synced_row(key_in("default", "synced", "1"), at(0)),
        Resource { state: State::Degraded, run_at: None, ..of("degraded", 1) },
        of("pending", 1),
        of("unknown", 1),
    ];
    let stored = kit.insert_all(rows).await;
    kit.claim_lanes(at(1), [(lane_of("default", "pending"), 1)]).await;
    kit.fixture().set_state(stored[9].id, "hibernating").await.expect("a state set by hand");
    let of = |kinds: &[&str]| kinds.iter().map(|kind| lane_of("default", kind)).collect::<BTreeSet<_>>();
    assert_eq!(lanes(&kit, &all(9)).await, of(&["scheduled", "failed", "expired"]));
    assert_eq!(lanes(&kit, &all(10)).await, of(&["scheduled", "failed", "expired", "later"]));
    for lane in lanes(&kit, &all(9)).await {
        assert!(!kit.claim_lanes(at(9), [(lane.clone(), 9)]).await.is_empty(), "{lane} has something to claim");
    }
    assert_eq!(lanes(&kit, &all(9)).await, BTreeSet::new());
}

/// Not those of a kind or a namespace that is paused.
pub async fn lanes_that_are_paused_are_left_out<F: Fixture>(kit: Kit<F>) {
    let names = [("one", "cat"), ("one", "dog"), ("two", "cat"), ("two", "dog")];
    kit.insert_all(names.map(|(namespace, kind)| row_of(key_in(namespace, kind, "x")))).await;
    let write = |scope: &Scope, write| Changeset {
        scopes: vec![ScopeChange { scope: scope.clone(), write }],
        ..Changeset::new(at(1))
    };
    for scope in [Scope::Kind(name("cat")), Scope::Namespace(name("two"))] {
        kit.commit(&write(&scope, ScopeWrite::Pause)).await;
        let expected =
            names.map(|(namespace, kind)| lane_of(namespace, kind)).into_iter().filter(|lane| match &scope {
                Scope::Kind(kind) => lane.kind != *kind,
                Scope::Namespace(namespace) => lane.namespace != *namespace,
            });
        assert_eq!(lanes(&kit, &all(1)).await, expected.collect(), "{scope} is paused");
        kit.commit(&write(&scope, ScopeWrite::Resume)).await;
        assert_eq!(lanes(&kit, &all(1)).await.len(), 4, "{scope} is resumed");
    }
}

/// Only of the kinds and namespaces that were chosen.
pub async fn lanes_are_chosen_by_kind_and_namespace<F: Fixture>(kit: Kit<F>) {
    let names = [("one", "cat"), ("one", "dog"), ("two", "cat"), ("two", "dog")];
    kit.insert_all(names.map(|(namespace, kind)| row_of(key_in(namespace, kind, "x")))).await;
    let choices = [
        Names::All,
        Names::one(name("one")),
        Names::one(name("cat")),
        Names::Except([name("two"), name("dog")].into()),
        Names::Only(BTreeSet::new()),
        Names::Except(BTreeSet::new()),
    ];
    for namespaces in &choices {
        for kinds in &choices {
            let query = LaneQuery { now: at(1), namespaces: namespaces.clone(), kinds: kinds.clone() };
            let expected = names
                .map(|(namespace, kind)| lane_of(namespace, kind))
                .into_iter()
                .filter(|lane| namespaces.contains(&lane.namespace) && kinds.contains(&lane.kind));
            assert_eq!(lanes(&kit, &query).await, expected.collect(), "{query:?}");
        }
    }
}
