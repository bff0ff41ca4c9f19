//! What is stored about kinds and namespaces.

use delta_core::{
    Changeset, Event, EventKind, Metadata, Outcome, Receipt, Scope, ScopeChange, ScopeRecord, ScopeWrite, Subject,
};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, give_way, soon};
use super::rows::{at, changeset, insert, key_in, name, row, row_of};

fn kind(text: &str) -> Scope {
    Scope::Kind(name(text))
}

fn namespace(text: &str) -> Scope {
    Scope::Namespace(name(text))
}

fn write(scope: Scope, write: ScopeWrite) -> Changeset {
    Changeset { scopes: vec![ScopeChange { scope, write }], ..Changeset::new(at(1)) }
}

fn record(scope: Scope) -> ScopeRecord {
    ScopeRecord { scope, paused: false, settings: None }
}

async fn kinds_of_events<F: Fixture>(kit: &Kit<F>) -> Vec<(EventKind, Option<Scope>)> {
    let scope = |event: Event| match event.subject {
        Subject::Scope(scope) => Some(scope),
        Subject::Resource { .. } => None,
    };
    kit.events().await.into_iter().map(|event| (event.kind, scope(event))).collect()
}

/// They are there as soon as a resource of them is; kinds first, each by name.
pub async fn scopes_exist_as_soon_as_they_have_a_resource<F: Fixture>(kit: Kit<F>) {
    assert_eq!(kit.scopes().await, []);
    let keys = [("b-2", "z"), ("b-1", "y"), ("b-1", "x1"), ("a", "x-1")];
    kit.insert_all(keys.map(|(namespace, kind)| row_of(key_in(namespace, kind, "1")))).await;
    let expected = ["x-1", "x1", "y", "z"].map(kind).into_iter().chain(["a", "b-1", "b-2"].map(namespace));
    assert_eq!(kit.scopes().await, expected.map(record).collect::<Vec<_>>());
    assert_eq!(kit.events().await.len(), 4, "no event of their own");
}

/// Pausing what is paused, and resuming what is not, is nothing: no event.
pub async fn scopes_are_paused_and_resumed_with_one_event_each<F: Fixture>(kit: Kit<F>) {
    for scope in [kind("thing"), namespace("default"), kind("default"), namespace("thing")] {
        let before = kit.events().await.len();
        for paused in [false, true, true, false, false, true] {
            let change = if paused { ScopeWrite::Pause } else { ScopeWrite::Resume };
            assert_eq!(kit.commit(&write(scope.clone(), change)).await, Receipt::default());
            let stored = kit.scopes().await.into_iter().find(|record| record.scope == scope);
            assert_eq!(stored, Some(ScopeRecord { paused, ..record(scope.clone()) }), "it is made on demand");
        }
        let events: Vec<_> = kinds_of_events(&kit).await.split_off(before);
        let expected = [EventKind::Paused, EventKind::Resumed, EventKind::Paused];
        assert_eq!(events, expected.map(|kind| (kind, Some(scope.clone()))));
    }
    let event = kit.events().await.remove(0);
    let expected = Event {
        position: event.position,
        kind: EventKind::Paused,
        subject: Subject::Scope(kind("thing")),
        at: at(1),
        metadata: Metadata::EMPTY,
        trace: None,
        object: None,
    };
    assert_eq!(event, expected);
}

/// Settings are replaced, byte for byte, without an event; a pause stays.
pub async fn scopes_keep_their_settings<F: Fixture>(kit: Kit<F>) {
    let stored = async |scope: Scope| kit.scopes().await.into_iter().find(|record| record.scope == scope);
    kit.commit(&write(kind("thing"), ScopeWrite::Settings(r#"{ "expiry":1, "a":[]}"#.to_owned()))).await;
    let expected = ScopeRecord { settings: Some(r#"{ "expiry":1, "a":[]}"#.to_owned()), ..record(kind("thing")) };
    assert_eq!(stored(kind("thing")).await, Some(expected.clone()));
    kit.commit(&write(kind("thing"), ScopeWrite::Pause)).await;
    assert_eq!(stored(kind("thing")).await, Some(ScopeRecord { paused: true, ..expected }));
    kit.commit(&write(kind("thing"), ScopeWrite::Settings("{}".to_owned()))).await;
    kit.insert(row("a")).await;
    let expected = ScopeRecord { settings: Some("{}".to_owned()), paused: true, ..record(kind("thing")) };
    assert_eq!(stored(kind("thing")).await, Some(expected));
    assert_eq!(stored(namespace("thing")).await, None, "a kind and a namespace of one name are two");
    let events = kinds_of_events(&kit).await;
    assert_eq!(events.len(), 2, "{events:?}");
}

/// Several are written by one changeset, beside rows.
pub async fn scopes_are_written_with_a_changeset<F: Fixture>(kit: Kit<F>) {
    let pause = |scope| ScopeChange { scope, write: ScopeWrite::Pause };
    let changes = Changeset {
        scopes: vec![pause(namespace("default")), pause(kind("other")), pause(kind("thing"))],
        ..changeset(at(1), [insert(row("a"))])
    };
    assert!(matches!(kit.commit(&changes).await.outcomes[..], [Outcome::Applied(_)]));
    let paused: Vec<Scope> =
        kit.scopes().await.into_iter().filter(|record| record.paused).map(|record| record.scope).collect();
    assert_eq!(paused, [kind("other"), kind("thing"), namespace("default")]);
    let events: Vec<Option<Scope>> = kinds_of_events(&kit).await.into_iter().map(|(_, scope)| scope).collect();
    let expected = [None, Some(namespace("default")), Some(kind("other")), Some(kind("thing"))];
    assert_eq!(events, expected, "after the events of rows, in the order of the changeset");
}

/// A pause in a transaction is seen, and logged, once that commits; one that is rolled back never was.
pub async fn scopes_are_paused_in_a_transaction<F: Fixture>(kit: Kit<F>) {
    kit.insert(row("a")).await;
    for (keep, paused) in [(Keep::Rollback, false), (Keep::Commit, true)] {
        let mut tx = kit.begin().await;
        kit.commit_in(&mut tx, &write(kind("thing"), ScopeWrite::Pause)).await;
        assert!(kit.scopes().await.iter().all(|record| !record.paused));
        let (other, change) = (kit.clone(), write(kind("thing"), ScopeWrite::Settings("{}".to_owned())));
        let other = JoinSet::from_iter([async move { other.commit(&change).await }]);
        give_way().await;
        kit.end(tx, keep).await;
        soon("a write of a kind that was being paused", other.join_all()).await;
        let expected = ScopeRecord { paused, settings: Some("{}".to_owned()), ..record(kind("thing")) };
        assert_eq!(kit.scopes().await[0], expected, "neither write takes the other back");
        soon("the events of the pause", async {
            while kit.events().await.len() != 1 + usize::from(paused) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// Several that pause one kind at once: one event.
pub async fn scopes_are_paused_once_by_several_at_once<F: Fixture>(kit: Kit<F>) {
    for round in 0..10 {
        let scope = kind(&format!("kind-{round}"));
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (kit, change) = (kit.clone(), write(scope.clone(), ScopeWrite::Pause));
            tasks.spawn(async move { kit.commit(&change).await });
        }
        soon("several pauses", tasks.join_all()).await;
        assert_eq!(kinds_of_events(&kit).await.len(), round + 1);
    }
}
