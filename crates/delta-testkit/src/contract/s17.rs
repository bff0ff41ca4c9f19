//! S17: events stand in the log in the order of their changes, and of the drafts within a change.

use delta_core::{EventKind, Reason, Subject};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied};
use super::rows::{IntoChange, at, changeset, draft, insert, remove, row, scheduled, settle, update};

/// Changes of all kinds, in an order that is neither that of ids nor of keys nor of kinds.
pub async fn s17_events_stand_in_the_order_of_their_changes<F: Fixture>(kit: Kit<F>) {
    let claimed = [kit.claimed(row("c2"), at(0)).await, kit.claimed(row("c1"), at(0)).await];
    let read = kit.insert_all(["r3", "r1", "r4", "r2"].map(row)).await;
    let before = kit.events().await.len();
    let touched = |index: usize, kinds: &[EventKind]| {
        let mut update = update(&read[index], at(1));
        update.events = kinds.iter().map(|kind| draft(*kind)).collect();
        update.into_change()
    };
    let changes = [
        insert(row("z")),
        touched(3, &[EventKind::Expired, EventKind::Scheduled(Reason::Expired)]),
        remove(&read[1]).into_change(),
        settle(&claimed[1]).into_change(),
        insert(row("a")),
        touched(0, &[EventKind::Failed, EventKind::Failed, EventKind::Expired]),
        settle(&claimed[0]).into_change(),
        touched(2, &[]),
        insert(row("m")),
    ];
    let receipt = kit.commit(&changeset(at(1), changes)).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
    let events = kit.events().await;
    let found: Vec<(String, EventKind)> = events[before..]
        .iter()
        .map(|event| match &event.subject {
            Subject::Resource { key, .. } => (key.object_id.to_string(), event.kind),
            Subject::Scope(scope) => panic!("an event about {scope}"),
        })
        .collect();
    let created = EventKind::Scheduled(Reason::Created);
    let expected = [
        ("z", created),
        ("r2", EventKind::Expired),
        ("r2", EventKind::Scheduled(Reason::Expired)),
        ("r1", EventKind::Purged),
        ("c1", EventKind::Synced),
        ("a", created),
        ("r3", EventKind::Failed),
        ("r3", EventKind::Failed),
        ("r3", EventKind::Expired),
        ("c2", EventKind::Synced),
        ("m", created),
    ];
    let expected: Vec<(String, EventKind)> =
        expected.into_iter().map(|(object_id, kind)| (object_id.to_owned(), kind)).collect();
    assert_eq!(found, expected);
    let positions: Vec<_> = events.iter().map(|event| event.position).collect();
    assert!(positions.is_sorted_by(|one, other| one < other), "{positions:?}");
}

/// Changesets of one transaction stand in the order in which they were applied.
pub async fn s17_events_of_a_transaction_stand_in_the_order_of_its_changesets<F: Fixture>(kit: Kit<F>) {
    let mut tx = kit.begin().await;
    for object_id in ["y", "x", "z"] {
        let mut new = super::rows::insert(row(object_id));
        if let delta_core::Change::Insert(insert) = &mut new {
            insert.events.push(scheduled(Reason::Changed));
        }
        applied(&kit.apply_in(&mut tx, at(1), new).await);
    }
    kit.end(tx, Keep::Commit).await;
    let order: Vec<String> = kit
        .events()
        .await
        .iter()
        .map(|event| match &event.subject {
            Subject::Resource { key, .. } => format!("{} {}", key.object_id, event.kind),
            Subject::Scope(scope) => panic!("an event about {scope}"),
        })
        .collect();
    let expected = ["y", "x", "z"].map(|object_id| {
        [format!("{object_id} object_scheduled(created)"), format!("{object_id} object_scheduled(changed)")]
    });
    assert_eq!(order, expected.concat());
}
