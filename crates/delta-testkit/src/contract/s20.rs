//! S20: what is wrong with a call whatever the database holds is `Invalid`, and nothing is written.

use delta_core::{Change, Changeset, Cursor, ErrorKind, Insert, Resource, Scope, ScopeChange, ScopeWrite, Store};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied};
use super::rows::{IntoChange, at, changeset, insert, key, lane, name, remove, renew, row, settle, update};

/// Asserts that a changeset is invalid by itself, with a claim and in a transaction, and leaves nothing but the transaction
/// usable.
async fn is_invalid<F: Fixture>(kit: &Kit<F>, what: &str, changes: &Changeset) {
    let events = kit.events().await;
    let error = kit.try_commit(changes).await.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}");
    let request = kit.request(at(5), [(lane(), 9)]);
    let error = kit.try_claim(changes, &request).await.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}");
    assert_eq!(kit.events().await, events, "{what}");

    let mut tx = kit.begin().await;
    let error = kit.store().commit(&mut tx, changes).await.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}");
    applied(&kit.apply_in(&mut tx, at(5), insert(row(what))).await);
    kit.end(tx, Keep::Commit).await;
    assert_eq!(kit.events().await.len(), events.len() + 1, "{what}");
}

/// A row, a new key or a cursor that is named twice.
pub async fn s20_a_row_named_twice_is_invalid<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("claimed"), at(0)).await;
    let read = kit.insert(Resource { run_at: Some(at(1_000)), ..row("read") }).await;
    let twice = |one: Change, other: Change| changeset(at(5), [insert(row("new")), one, other]);
    let cases = [
        ("two updates", twice(update(&read, at(5)).into_change(), update(&read, at(5)).into_change())),
        ("update and remove", twice(update(&read, at(5)).into_change(), remove(&read).into_change())),
        ("settle and renew", twice(settle(&claimed).into_change(), renew(&claimed, at(99)).into_change())),
        ("two settlements", twice(settle(&claimed).into_change(), settle(&claimed).into_change())),
        ("two inserts", twice(insert(row("twin")), insert(row("twin")))),
    ];
    for (what, changes) in cases {
        is_invalid(&kit, what, &changes).await;
    }
    let cursor = || Cursor::new("mailer").put();
    let twice = Changeset { cursors: vec![cursor(), cursor()], ..changeset(at(5), [insert(row("new"))]) };
    is_invalid(&kit, "two writes of a cursor", &twice).await;
    let pause = || ScopeChange { scope: Scope::Kind(name("thing")), write: ScopeWrite::Pause };
    let twice = Changeset { scopes: vec![pause(), pause()], ..changeset(at(5), [insert(row("new"))]) };
    is_invalid(&kit, "two writes of a kind", &twice).await;
    assert_eq!(kit.find(&key("new")).await, None);
    assert_eq!(kit.find(&key("twin")).await, None);
    assert_eq!(kit.row(claimed.id).await, claimed);
    assert_eq!(kit.row(read.id).await, read);
    assert_eq!(kit.cursor("mailer").await, None);
}

/// A change without the detail that it is to write.
pub async fn s20_a_change_without_the_detail_that_it_writes_is_invalid<F: Fixture>(kit: Kit<F>) {
    let read = kit.insert(Resource { run_at: Some(at(1_000)), ..row("read") }).await;
    let head = Resource { detail: None, ..read.clone() };
    let mut object = update(&head, at(5));
    object.write_object = true;
    is_invalid(&kit, "an object", &changeset(at(5), [insert(row("new")), object.into_change()])).await;
    let mut tags = update(&head, at(5));
    tags.write_tags = true;
    is_invalid(&kit, "tags", &changeset(at(5), [insert(row("new")), tags.into_change()])).await;
    let insert_head = Insert { row: Resource { detail: None, ..row("head") }, events: Vec::new() };
    is_invalid(&kit, "an insert", &changeset(at(5), [insert(row("new")), Change::Insert(Box::new(insert_head))])).await;
    assert_eq!(kit.find(&key("new")).await, None);
    assert_eq!(kit.row(read.id).await, read);
    applied(&kit.apply(at(6), update(&head, at(6))).await);
    assert_eq!(kit.row(read.id).await.detail, read.detail, "what writes neither needs no detail");
}

/// A claim that names a lane twice.
pub async fn s20_a_lane_named_twice_is_invalid<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("claimed"), at(0)).await;
    kit.insert(row("next")).await;
    let request = kit.request(at(5), [(lane(), 1), (super::rows::lane_of("other", "thing"), 1), (lane(), 1)]);
    let error = kit.try_claim(&changeset(at(5), [settle(&claimed)]), &request).await.expect_err("a lane twice");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(kit.row(claimed.id).await, claimed);
    assert_eq!(kit.claim(at(5), 9).await.len(), 1);
}
