//! What an update writes, and what it leaves.

use delta_core::{AbsentBy, DeletedBy, Desired, Detail, Metadata, ObjectHash, Priority, Resource, State, Tags, Trace};

use super::fixture::Fixture;
use super::kit::{Kit, applied};
use super::rows::{at, key_in, row, update};

/// A row that differs from what [`row`] makes in every field.
fn other(of: &Resource) -> Resource {
    let object = r#"{"other":true}"#;
    Resource {
        id: of.id,
        key: key_in("other", "key", "entirely"),
        state: State::Deleted,
        state_since: at(11),
        desired: Desired::Absent(AbsentBy::Missing),
        priority: Priority::LAST,
        generation: 12,
        synced_generation: 11,
        attempt: 13,
        max_attempts: None,
        run_at: None,
        lease: None,
        version: of.version + 1,
        hash: ObjectHash::of(object),
        metadata: Metadata::from_text(r#"{"other":1}"#).expect("metadata"),
        trace: Some(Trace::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("a trace")),
        error_count: 99,
        external_created_at: Some(at(14)),
        created_at: at(15),
        updated_at: at(10),
        attempted_at: Some(at(16)),
        synced_at: Some(at(17)),
        deleted_at: Some(at(18)),
        deleted_by: Some(DeletedBy::Missing),
        paused: true,
        detail: Some(Detail {
            object: object.into(),
            tags: Tags::new(["other-tag", "another"]).expect("tags"),
            errors: vec![delta_core::AttemptError {
                at: at(1),
                generation: 1,
                attempt: 1,
                message: "never written".to_owned(),
                backtrace: None,
            }],
        }),
    }
}

/// Everything but id, key, lease, error count and detail is written; nothing else is.
pub async fn update_writes_the_row_but_for_what_is_not_its_own<F: Fixture>(kit: Kit<F>) {
    let stored = kit.insert(row("a")).await;
    let mut all = update(&stored, at(10));
    all.row = other(&stored);
    let done = applied(&kit.apply(at(10), all.clone()).await);
    assert_eq!((done.id, done.moved, done.cancel_requested), (stored.id, false, false));
    let expected = Resource {
        key: stored.key.clone(),
        hash: stored.hash,
        error_count: 0,
        detail: stored.detail.clone(),
        ..other(&stored)
    };
    assert_eq!(kit.row(stored.id).await, expected);
}

/// Object and hash, or tags, or both, where the update says so.
pub async fn update_writes_object_and_tags_where_it_says_so<F: Fixture>(kit: Kit<F>) {
    for (write_object, write_tags) in [(true, false), (false, true), (true, true)] {
        let stored = kit.insert(row(&format!("{write_object} {write_tags}"))).await;
        let mut change = update(&stored, at(10));
        change.row = other(&stored);
        change.write_object = write_object;
        change.write_tags = write_tags;
        applied(&kit.apply(at(10), change.clone()).await);
        let (old, new) = (stored.detail.expect("a detail"), change.row.detail.expect("a detail"));
        let found = kit.row(stored.id).await;
        assert_eq!(found.hash, if write_object { change.row.hash } else { stored.hash });
        let expected = Detail {
            object: if write_object { new.object } else { old.object },
            tags: if write_tags { new.tags } else { old.tags },
            errors: Vec::new(),
        };
        assert_eq!(found.detail, Some(expected));
    }
}

/// Tags are replaced, also by none at all.
pub async fn update_replaces_tags<F: Fixture>(kit: Kit<F>) {
    let mut read = kit.insert(row("a")).await;
    for tags in [vec!["one-1", "two-2"], vec!["two-2", "three"], vec![], vec!["four"]] {
        let tags = Tags::new(tags).expect("tags");
        let mut change = update(&read, at(10));
        change.row.detail.as_mut().expect("a detail").tags = tags.clone();
        change.write_tags = true;
        applied(&kit.apply(at(10), change).await);
        read = kit.row(read.id).await;
        assert_eq!(read.detail.as_ref().map(|detail| &detail.tags), Some(&tags));
    }
}

/// A row that is being worked keeps its lease, whatever the update's row says of it.
pub async fn update_leaves_the_lease_of_a_pending_row<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    let mut change = update(&claimed, at(2));
    change.row.lease = None;
    change.row.generation = 2;
    change.row.run_at = Some(at(2));
    applied(&kit.apply(at(2), change).await);
    let expected = Resource {
        generation: 2,
        run_at: Some(at(2)),
        version: claimed.version + 1,
        updated_at: at(2),
        ..claimed.clone()
    };
    assert_eq!(kit.row(claimed.id).await, expected);
}
