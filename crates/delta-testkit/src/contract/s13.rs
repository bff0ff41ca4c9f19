//! S13: ids and positions are never reused; the token of an earlier life of a key fits nothing (see also S3).

use super::fixture::Fixture;
use super::kit::{Kit, applied};
use super::rows::{at, remove, row};

/// An id is not given out again after a purge, not even the highest, not even if the table is empty.
pub async fn s13_an_id_is_not_used_again_after_a_purge<F: Fixture>(kit: Kit<F>) {
    let mut highest = kit.insert_all(["a", "b"].map(row)).await;
    for round in 0..3 {
        let last = highest.iter().map(|row| row.id).max().expect("a row");
        assert!(last > delta_core::ResourceId::default(), "ids count from 1");
        for stored in &highest {
            applied(&kit.apply(at(1), remove(stored)).await);
        }
        highest = kit.insert_all(["b", "c"].map(row)).await;
        assert!(highest.iter().all(|row| row.id > last), "round {round}: {last} came before {highest:?}");
    }
}

/// A key's new life has a new id, version 1 and nothing of the old one; its events are told apart by the id.
pub async fn s13_a_new_life_of_a_key_has_nothing_of_the_old_one<F: Fixture>(kit: Kit<F>) {
    let mut old = row("a");
    old.generation = 9;
    old.metadata = delta_core::Metadata::from_text(r#"{"old":true}"#).expect("metadata");
    let old = kit.insert(old).await;
    applied(&kit.apply(at(1), remove(&old)).await);
    let new = kit.insert(row("a")).await;
    assert_eq!(new, delta_core::Resource { id: new.id, ..row("a") });
    assert_eq!(kit.events_of(old.id).await.len(), 2);
    assert_eq!(kit.events_of(new.id).await.len(), 1);
    assert_eq!(kit.get(old.id).await, None);
}

/// Positions count up, whatever is removed.
pub async fn s13_a_position_is_not_used_again<F: Fixture>(kit: Kit<F>) {
    let mut last = delta_core::Position::START;
    for _ in 0..5 {
        let stored = kit.insert(row("a")).await;
        applied(&kit.apply(at(1), remove(&stored)).await);
        let events = kit.events_of(stored.id).await;
        assert!(events.iter().all(|event| event.position > last), "{events:?} after {last}");
        last = events[1].position;
    }
}
