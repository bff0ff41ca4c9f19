//! Exact copies, for stores that write them: R1 to R9 of [`Restore`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{
    AbsentBy, Access, AttemptError, Browse, Changeset, Cursor, CursorQuery, DeletedBy, Depth, Desired, Detail, Error,
    ErrorKind, Event, EventKind, Filter, Foreign, GivenOut, Lease, LeaseToken, ListQuery, Metadata, ObjectHash, Owner,
    Position, Priority, Reason, Resource, ResourceId, Restore, RestoreBatch, RestoreFence, Restored, Result, Scope,
    ScopeChange, ScopeRecord, ScopeWrite, State, Store, Subject, Tags, Timestamp, Trace,
};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, soon};
use super::rows::{at, insert, key, key_in, lane, name, remove, row, row_of, settle, synced_row, update};

/// Runs the contract of exact copies ([`Restore`](delta_core::Restore)) against a store, as
/// [`store_contract!`](crate::store_contract) does the rest: with the same fixtures, one named test per case.
#[macro_export]
macro_rules! restore_contract {
    ($make:expr) => {
        $crate::store_contract! { @clauses $make;
            restore: [
                r1_a_batch_is_written_with_its_progress,
                r1_a_batch_in_a_transaction_is_invalid,
                r1_a_dropped_batch_leaves_all_or_nothing,
                r2_everything_comes_back_as_it_was_read,
                r2_times_and_numbers_at_their_ends_come_back,
                r3_a_database_that_holds_anything_is_refused,
                r4_a_batch_over_a_progress_that_moved_on_is_lost,
                r4_a_batch_after_something_was_given_out_is_refused,
                r5_what_is_given_out_lies_above_all_of_the_source,
                r5_what_was_given_out_to_what_is_gone_counts,
                r6_kinds_and_namespaces_are_there_afterwards,
                r7_what_cannot_be_is_invalid,
                r8_what_was_written_is_worked_and_read,
                r8_a_refresh_changes_nothing,
                r9_ten_thousand_are_one_batch,
            ],
        }
    };
}

const fn given_out(id: i64, position: i64) -> GivenOut {
    GivenOut { id: ResourceId::new(id), position: Position::new(position) }
}

fn batch(fence: RestoreFence) -> RestoreBatch {
    RestoreBatch::new(fence, Cursor::new("an import"))
}

/// The first batch of an import of what gave out so much.
fn first(id: i64, position: i64) -> RestoreBatch {
    batch(RestoreFence::Empty(given_out(id, position)))
}

/// The batch after one.
fn next(version: i64, id: i64, position: i64) -> RestoreBatch {
    let batch = batch(RestoreFence::Untouched(given_out(id, position)));
    RestoreBatch { progress: Cursor { version, ..batch.progress }, ..batch }
}

fn stored(id: i64, row: Resource) -> Resource {
    Resource { id: ResourceId::new(id), ..row }
}

fn event(position: i64, kind: EventKind, row: &Resource) -> Event {
    Event {
        position: Position::new(position),
        kind,
        subject: Subject::Resource {
            id: row.id,
            key: row.key.clone(),
            state: row.state.clone(),
            generation: row.generation,
            attempt: row.attempt,
        },
        at: at(position.unsigned_abs()),
        metadata: row.metadata.clone(),
        trace: row.trace.clone(),
        object: None,
    }
}

async fn try_restore<F: Fixture<Store: Restore>>(kit: &Kit<F>, batch: &RestoreBatch) -> Result<Restored> {
    let mut conn = kit.writer().await;
    kit.store().restore(&mut conn, batch).await
}

async fn restore<F: Fixture<Store: Restore>>(kit: &Kit<F>, batch: &RestoreBatch) -> Restored {
    try_restore(kit, batch).await.expect("a batch")
}

async fn refused<F: Fixture<Store: Restore>>(kit: &Kit<F>, batch: &RestoreBatch) -> Error {
    match try_restore(kit, batch).await {
        Ok(done) => panic!("expected a refusal of {batch:?}, found {done:?}"),
        Err(error) => error,
    }
}

async fn all_given_out<F: Fixture<Store: Restore>>(kit: &Kit<F>) -> GivenOut {
    let mut conn = kit.reader().await;
    kit.store().given_out(&mut conn).await.expect("what is given out")
}

async fn rows<F: Fixture>(kit: &Kit<F>) -> Vec<Resource> {
    let query =
        ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 20_000, depth: Depth::Full };
    let mut conn = kit.reader().await;
    kit.store().list(&mut conn, &query).await.expect("a list")
}

/// All that a database holds.
async fn everything<F: Fixture<Store: Restore>>(
    kit: &Kit<F>,
) -> (GivenOut, Vec<ScopeRecord>, Vec<Resource>, Vec<Event>, Vec<Cursor>) {
    let cursors = kit.cursors(&CursorQuery::Prefix(String::new())).await;
    (all_given_out(kit).await, kit.scopes().await, rows(kit).await, kit.events().await, cursors)
}

/// A progress that is new gets version 1, and one that was read gets the next; the batch is there with it.
pub async fn r1_a_batch_is_written_with_its_progress<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let a = stored(3, row("a"));
    let mut one = first(5, 9);
    one.progress.position = Some("1".to_owned());
    one.progress.data = Some(r#"{ "of":"it"}"#.to_owned());
    one.resources.push(a.clone());
    assert_eq!(restore(&kit, &one).await, Restored::Written(given_out(5, 9)));
    assert_eq!(kit.cursor("an import").await, Some(Cursor { version: 1, ..one.progress.clone() }));
    let b = stored(4, row("b"));
    let mut two = next(1, 5, 9);
    two.resources.push(b.clone());
    assert_eq!(restore(&kit, &two).await, Restored::Written(given_out(5, 9)));
    assert_eq!(kit.cursor("an import").await, Some(Cursor { version: 2, ..two.progress }));
    assert_eq!(rows(&kit).await, [a, b]);
    assert_eq!(kit.events().await, [], "nothing is appended");
}

/// What a caller's transaction writes is seen by it alone, and a copy must be whole for all.
pub async fn r1_a_batch_in_a_transaction_is_invalid<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let mut one = first(1, 1);
    one.resources.push(stored(1, row("a")));
    let mut tx = kit.begin().await;
    let error = kit.store().restore(&mut tx, &one).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    kit.end(tx, Keep::Commit).await;
    let (given, scopes, rows, events, cursors) = everything(&kit).await;
    assert_eq!(given, given_out(0, 0));
    assert!(scopes.is_empty() && rows.is_empty() && events.is_empty() && cursors.is_empty());
}

/// A batch whose future is dropped is there with its progress, or not at all.
pub async fn r1_a_dropped_batch_leaves_all_or_nothing<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    const ROWS: i64 = 20;
    let mut version = 0;
    for polls in 0..24_u32 {
        let from = i64::from(polls) * 100;
        let mut one = if version == 0 { first(10_000, 10_000) } else { next(version, 10_000, 10_000) };
        one.resources = (from + 1..=from + ROWS).map(|id| stored(id, row(&id.to_string()))).collect();
        one.events = one.resources.iter().map(|row| event(row.id.get(), EventKind::Synced, row)).collect();
        let mut conn = kit.writer().await;
        super::s01::poll_some(polls, kit.store().restore(&mut conn, &one)).await;
        kit.store().discard(conn);
        // A server may be busy with a dropped statement for a while: whoever writes the same cursor waits for that.
        soon("the end of a dropped batch", async {
            let mut waiting = kit.begin().await;
            let same = Cursor { version, ..one.progress.clone() }.put();
            let touch = Changeset { cursors: vec![same], ..Changeset::new(at(1)) };
            kit.commit_in(&mut waiting, &touch).await;
            kit.end(waiting, Keep::Rollback).await;
        })
        .await;
        let now = kit.cursor("an import").await.map_or(0, |cursor| cursor.version);
        let ids: BTreeSet<i64> = rows(&kit).await.iter().map(|row| row.id.get()).filter(|id| *id > from).collect();
        let events = kit.events().await.iter().filter(|event| event.position.get() > from).count();
        let expected = if now > version { 20 } else { 0 };
        assert_eq!((ids.len(), events), (expected, expected), "after {polls} polls: version {now} after {version}");
        version = now;
    }
}

fn errors(count: i64) -> Vec<AttemptError> {
    let error = |number: i64| AttemptError {
        at: at(number.unsigned_abs()),
        generation: 1,
        attempt: number,
        message: format!("no. {number}: \"quoted\"\n\u{1f980}"),
        backtrace: (number % 2 == 0).then(|| format!("at {number}\n")),
    };
    (1..=count).map(error).collect()
}

/// One row of every state, with everything that is optional there and not there.
fn all_kinds_of_rows() -> Vec<Resource> {
    let text = "{ \"b\" : 1.0,\t\"a\":[ ], \"nul\":\"\\u0000\", \"n\":123456789012345678901234567890 }";
    let trace = Trace::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("a trace");
    let full = Resource {
        desired: Desired::Absent(AbsentBy::Missing),
        priority: Priority::FIRST,
        generation: 7,
        synced_generation: 6,
        attempt: 3,
        max_attempts: None,
        version: 41,
        hash: ObjectHash::of(text),
        metadata: Metadata::from_text(r#"{ "z":1,"a":"é" }"#).expect("metadata"),
        trace: Some(trace),
        error_count: 812,
        external_created_at: Some(at(1)),
        created_at: at(2),
        updated_at: at(3),
        attempted_at: Some(at(4)),
        synced_at: Some(at(5)),
        paused: true,
        detail: Some(Detail {
            object: Arc::from(text),
            tags: Tags::new(["zebra", "ape"]).expect("tags"),
            errors: errors(10),
        }),
        ..row("full \u{e9}\u{65}\u{301}'\"\\ ")
    };
    let lease = Lease {
        token: LeaseToken::new(-77),
        generation: 5,
        attempt: 3,
        owner: Owner::new(i64::MIN),
        until: at(60),
        cancel_requested: true,
    };
    let pending = Resource {
        state: State::Pending,
        lease: Some(lease),
        run_at: Some(at(9)),
        version: 3,
        ..Resource { key: key("pending"), ..full.clone() }
    };
    let deleted = Resource {
        state: State::Deleted,
        run_at: None,
        deleted_at: Some(at(6)),
        deleted_by: Some(DeletedBy::Request),
        desired: Desired::Absent(AbsentBy::Request),
        version: 2,
        ..row_of(key_in("eu-west", "other", "deleted"))
    };
    let one_error = Resource {
        state: State::Failed,
        error_count: 1,
        detail: row("x").detail.map(|detail| Detail { errors: errors(1), ..detail }),
        ..row("one error")
    };
    let expired = Resource { state: State::Expired, ..synced_row(key("expired"), at(5)) };
    let expired = Resource { run_at: Some(at(7)), ..expired };
    let degraded = Resource { state: State::Degraded, run_at: None, ..row("degraded") };
    let rows = [full, pending, deleted, one_error, expired, degraded, synced_row(key("synced"), at(8)), row("plain")];
    rows.into_iter().zip(0..).map(|(row, number)| stored(100 - number * 7, row)).collect()
}

/// Every field of everything, in an order that is not that of the ids.
pub async fn r2_everything_comes_back_as_it_was_read<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let mut rows = all_kinds_of_rows();
    let kinds = [EventKind::Synced, EventKind::Failed, EventKind::Expired, EventKind::Deleted, EventKind::Purged];
    let kinds = kinds.into_iter().chain([EventKind::Paused, EventKind::Resumed]);
    let kinds = kinds.chain(Reason::ALL.map(EventKind::Scheduled));
    let about_rows = kinds.zip(1_i64..).zip(rows.iter().cycle());
    let mut events: Vec<Event> = about_rows.map(|((kind, number), row)| event(number * 3, kind, row)).collect();
    events[2].object = rows[0].detail.as_ref().map(|detail| detail.object.clone());
    if let Subject::Resource { id, state, generation, .. } = &mut events[3].subject {
        (*id, *state, *generation) = (ResourceId::new(2), State::from("archived"), 99);
    }
    for (scope, position) in [(Scope::Kind(name("thing")), 200), (Scope::Namespace(name("eu-west")), 201)] {
        let subject = Subject::Scope(scope);
        let (metadata, trace, object) = (Metadata::EMPTY, None, None);
        let (position, kind, at) = (Position::new(position), EventKind::Paused, at(1));
        events.push(Event { position, kind, subject, at, metadata, trace, object });
    }
    let settings = |text: &str| Some(text.to_owned());
    let scope = |scope, paused, settings| ScopeRecord { scope, paused, settings };
    let scopes = vec![
        scope(Scope::Kind(name("other")), false, settings("{ \"expiry\":1 }")),
        scope(Scope::Kind(name("thing")), true, None),
        scope(Scope::Namespace(name("default")), false, None),
        scope(Scope::Namespace(name("empty")), true, settings("{}")),
        scope(Scope::Namespace(name("eu-west")), false, None),
    ];
    let cursor = Cursor {
        name: "é'\"".to_owned(),
        position: Some("17".to_owned()),
        holder: Some(Owner::new(-3)),
        lease_until: Some(at(30)),
        next_at: Some(at(31)),
        data: Some("{ \"a\":1}".to_owned()),
        version: 12,
    };
    let cursors = vec![Cursor { version: 1, ..Cursor::new("a") }, cursor];
    let (id, position) = (1_000, 2_000);
    let one = RestoreBatch { scopes: scopes.clone(), ..first(id, position) };
    assert_eq!(restore(&kit, &one).await, Restored::Written(given_out(id, position)));
    let two = RestoreBatch { resources: rows.clone(), events: events.clone(), ..next(1, id, position) };
    assert_eq!(restore(&kit, &two).await, Restored::Written(given_out(id, position)));
    let three = RestoreBatch { cursors: cursors.clone(), ..next(2, id, position) };
    assert_eq!(restore(&kit, &three).await, Restored::Written(given_out(id, position)));

    rows.sort_by_key(|row| row.id);
    let (given, found_scopes, found_rows, found_events, mut found_cursors) = everything(&kit).await;
    found_cursors.retain(|cursor| cursor.name != "an import");
    assert_eq!((given, found_scopes), (given_out(id, position), scopes));
    assert_eq!(found_rows, rows);
    assert_eq!(found_events, events);
    assert_eq!(found_cursors, cursors);
}

/// The ends of what a column holds.
pub async fn r2_times_and_numbers_at_their_ends_come_back<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let ends = |time: Timestamp, id: i64| Resource {
        state_since: time,
        run_at: Some(time),
        created_at: time,
        updated_at: time,
        external_created_at: Some(time),
        attempted_at: Some(time),
        synced_at: Some(time),
        version: i64::MAX,
        generation: i64::MAX,
        synced_generation: i64::MAX,
        attempt: i64::MAX,
        max_attempts: Some(i64::MAX),
        ..stored(id, row(&format!("{id}")))
    };
    let highest = i64::from(u32::MAX) * 1_000;
    let rows = vec![ends(Timestamp::EARLIEST, 1), ends(Timestamp::LATEST, highest)];
    let events = rows.iter().map(|row| Event { at: row.created_at, ..event(row.id.get(), EventKind::Synced, row) });
    let cursor = Cursor { next_at: Some(Timestamp::LATEST), version: i64::MAX - 1, ..Cursor::new("last") };
    let one = RestoreBatch {
        events: events.collect(),
        resources: rows,
        cursors: vec![cursor.clone()],
        ..first(highest, highest)
    };
    assert_eq!(restore(&kit, &one).await, Restored::Written(given_out(highest, highest)));
    let (given, _, rows, events, _) = everything(&kit).await;
    assert_eq!((given, rows, events), (given_out(highest, highest), one.resources, one.events));
    assert_eq!(kit.cursor("last").await, Some(cursor));
}

/// Whatever it holds, and if it is one cursor: nothing is written then.
pub async fn r3_a_database_that_holds_anything_is_refused<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let mut one = first(5, 5);
    one.resources.push(stored(3, row("a")));
    let cursor = Changeset { cursors: vec![Cursor::new("leader").put()], ..Changeset::new(at(1)) };
    kit.commit(&cursor).await;
    let scope = ScopeChange { scope: Scope::Kind(name("thing")), write: ScopeWrite::Settings("{}".to_owned()) };
    let scope = Changeset { scopes: vec![scope], ..Changeset::new(at(1)) };
    for (foreign, make) in [(Foreign::Cursor, None), (Foreign::Cursor, Some(&scope)), (Foreign::Scope, None)] {
        if let Some(changes) = make {
            kit.commit(changes).await;
        }
        if foreign == Foreign::Scope {
            let leader = kit.cursor("leader").await.expect("the cursor");
            kit.commit(&Changeset { cursors: vec![leader.remove()], ..Changeset::new(at(1)) }).await;
        }
        let before = everything(&kit).await;
        assert_eq!(restore(&kit, &one).await, Restored::Foreign(foreign));
        assert_eq!(everything(&kit).await, before);
    }
    let there = kit.insert(row("there")).await;
    let before = everything(&kit).await;
    assert_eq!(restore(&kit, &one).await, Restored::Foreign(Foreign::Resource));
    assert_eq!(everything(&kit).await, before);
    applied(&kit.apply(at(1), remove(&there)).await);
    let before = everything(&kit).await;
    assert_eq!(restore(&kit, &one).await, Restored::Foreign(Foreign::Event));
    assert_eq!(everything(&kit).await, before);
}

/// Another import's progress, or the same one's: the batch is not written.
pub async fn r4_a_batch_over_a_progress_that_moved_on_is_lost<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let mut one = first(5, 5);
    one.resources.push(stored(1, row("a")));
    assert_eq!(restore(&kit, &one).await, Restored::Written(given_out(5, 5)));
    let before = everything(&kit).await;
    assert_eq!(restore(&kit, &one).await, Restored::Lost, "the same batch again");
    let mut two = next(2, 5, 5);
    two.resources.push(stored(2, row("b")));
    assert_eq!(restore(&kit, &two).await, Restored::Lost, "a progress of the future");
    assert_eq!(everything(&kit).await, before);
    two.progress.version = 1;
    assert_eq!(restore(&kit, &two).await, Restored::Written(given_out(5, 5)));
    assert_eq!(rows(&kit).await.len(), 2);
}

/// Somebody informed, or paused, while the import ran.
pub async fn r4_a_batch_after_something_was_given_out_is_refused<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    restore(&kit, &first(5, 5)).await;
    let pause = ScopeChange { scope: Scope::Kind(name("thing")), write: ScopeWrite::Pause };
    kit.commit(&Changeset { scopes: vec![pause], ..Changeset::new(at(1)) }).await;
    let mut two = next(1, 5, 5);
    two.resources.push(stored(2, row("b")));
    let before = everything(&kit).await;
    assert_eq!(restore(&kit, &two).await, Restored::Foreign(Foreign::GivenOut(given_out(5, 6))));
    assert_eq!(everything(&kit).await, before);
}

/// The next id and position are above what the source gave out, though nothing of that is there.
pub async fn r5_what_is_given_out_lies_above_all_of_the_source<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let mut one = first(500, 900);
    let a = stored(3, row("a"));
    one.events.push(event(4, EventKind::Synced, &a));
    one.resources.push(a);
    restore(&kit, &one).await;
    let new = kit.insert(row("new")).await;
    assert!(new.id > ResourceId::new(500), "{}", new.id);
    let events = kit.events_of(new.id).await;
    assert!(events.len() == 1 && events[0].position > Position::new(900), "{events:?}");
    let now = all_given_out(&kit).await;
    assert!(now.id >= new.id && now.position >= events[0].position, "{now:?}");
    let page = kit.page(Position::START, 10, delta_core::EventFilter::default()).await;
    assert_eq!((page.head, page.held_back, page.events.len()), (now.position, 0, 2));
}

/// An emptied database has given out what it gave out, and takes an import above that.
pub async fn r5_what_was_given_out_to_what_is_gone_counts<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    assert_eq!(all_given_out(&kit).await, given_out(0, 0));
    let there = kit.insert(row("a")).await;
    let before = all_given_out(&kit).await;
    assert!(before.id >= there.id && before.position == kit.events().await[0].position, "{before:?}");
    applied(&kit.apply(at(1), remove(&there)).await);
    let after = all_given_out(&kit).await;
    assert!(after.id >= before.id && after.position > before.position, "{after:?}");
    assert_eq!(rows(&kit).await, []);
}

/// Named by resources and events only; and one with settings that comes after it was named.
pub async fn r6_kinds_and_namespaces_are_there_afterwards<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let a = stored(1, row_of(key_in("n-1", "k-1", "a")));
    let gone = stored(2, row_of(key_in("n-2", "k-2", "gone")));
    let mut one = first(5, 5);
    one.events.push(event(1, EventKind::Purged, &gone));
    one.resources.push(a);
    restore(&kit, &one).await;
    let plain = |scope| ScopeRecord { scope, paused: false, settings: None };
    let expected = [
        Scope::Kind(name("k-1")),
        Scope::Kind(name("k-2")),
        Scope::Namespace(name("n-1")),
        Scope::Namespace(name("n-2")),
    ];
    assert_eq!(kit.scopes().await, expected.clone().map(plain));
    let record = ScopeRecord { scope: expected[0].clone(), paused: true, settings: Some("{}".to_owned()) };
    let two = RestoreBatch { scopes: vec![record.clone()], ..next(1, 5, 5) };
    restore(&kit, &two).await;
    assert_eq!(kit.scopes().await[0], record);
}

/// Each is refused, nothing of it is written, and the import goes on.
pub async fn r7_what_cannot_be_is_invalid<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let a = stored(1, row("a"));
    let mut one = first(5, 5);
    one.resources.push(a.clone());
    one.events.push(event(1, EventKind::Synced, &a));
    one.cursors.push(Cursor { version: 1, ..Cursor::new("there") });
    restore(&kit, &one).await;
    let before = everything(&kit).await;
    let b = stored(2, row("b"));
    let with_rows =
        |rows: &[&Resource]| RestoreBatch { resources: rows.iter().copied().cloned().collect(), ..next(1, 5, 5) };
    let with_events = |positions: &[i64]| RestoreBatch {
        events: positions.iter().map(|position| event(*position, EventKind::Synced, &b)).collect(),
        ..with_rows(&[&b])
    };
    let with_cursors = |names: &[&str]| RestoreBatch {
        cursors: names.iter().map(|name| Cursor { version: 1, ..Cursor::new(*name) }).collect(),
        ..with_rows(&[&b])
    };
    let scope = ScopeRecord { scope: Scope::Kind(name("other")), paused: false, settings: None };
    let invalid = [
        ("an id twice", with_rows(&[&b, &stored(2, row("c"))])),
        ("a key twice", with_rows(&[&b, &stored(3, row("b"))])),
        ("an id that is there", with_rows(&[&b, &stored(1, row("c"))])),
        ("a key that is there", with_rows(&[&b, &stored(3, row("a"))])),
        ("id 0", with_rows(&[&stored(0, row("c"))])),
        ("an id that was not given out", with_rows(&[&stored(6, row("c"))])),
        ("no detail", with_rows(&[&Resource { detail: None, ..b.clone() }])),
        ("an unknown state", with_rows(&[&Resource { state: State::from("archived"), ..b.clone() }])),
        ("a position twice", with_events(&[2, 2])),
        ("a position that is there", with_events(&[2, 1])),
        ("position 0", with_events(&[0])),
        ("a position that was not given out", with_events(&[6])),
        ("a cursor twice", with_cursors(&["c", "c"])),
        ("a cursor that is there", with_cursors(&["there"])),
        ("its progress", with_cursors(&["an import"])),
        ("a kind twice", RestoreBatch { scopes: vec![scope.clone(), scope], ..with_rows(&[&b]) }),
    ];
    for (what, batch) in &invalid {
        let error = refused(&kit, batch).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}");
        assert_eq!(everything(&kit).await, before, "{what}");
    }
    restore(&kit, &with_rows(&[&b])).await;
    assert_eq!(rows(&kit).await, [a, b]);
}

/// What is due is claimed, what was being worked is settled under its lease, and pages of the log join.
pub async fn r8_what_was_written_is_worked_and_read<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let due = stored(7, row("due"));
    let lease = Lease {
        token: LeaseToken::new(99),
        generation: 1,
        attempt: 1,
        owner: Owner::new(5),
        until: at(60),
        cancel_requested: false,
    };
    let working =
        Resource { state: State::Pending, lease: Some(lease), attempt: 1, run_at: None, ..stored(9, row("working")) };
    let mut one = first(9, 10);
    one.events = (1..=10).map(|position| event(position, EventKind::Synced, &due)).collect();
    one.resources = vec![due.clone(), working.clone()];
    restore(&kit, &one).await;
    let claimed = kit.claim_lanes(at(1), [(lane(), 10)]).await;
    assert_eq!(claimed.iter().map(|row| row.id).collect::<Vec<_>>(), [due.id]);
    applied(&kit.apply(at(2), settle(&working)).await);
    applied(&kit.apply(at(2), settle(&claimed[0])).await);
    let stored = kit.row(working.id).await;
    assert_eq!((stored.state, stored.version), (State::Synced, working.version + 1));
    assert_eq!(kit.events().await.len(), 12);
    let changed = update(&kit.row(due.id).await, at(3));
    applied(&kit.apply(at(3), changed).await);
    let again = kit.commit(&super::rows::changeset(at(4), [insert(row("due"))])).await;
    assert_eq!(again.outcomes, [delta_core::Outcome::Stale], "its key is taken");
    let page = kit.page(Position::new(5), 3, delta_core::EventFilter::default()).await;
    assert_eq!(page.events, one.events[5..8]);
}

/// Neither of an empty database nor of one that was filled, and the next batch goes on.
pub async fn r8_a_refresh_changes_nothing<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    let refresh = async || {
        let mut conn = kit.writer().await;
        kit.store().refresh(&mut conn).await.expect("a refresh");
    };
    refresh().await;
    let mut one = first(5, 5);
    one.resources.push(stored(1, row("a")));
    assert_eq!(restore(&kit, &one).await, Restored::Written(given_out(5, 5)));
    let before = everything(&kit).await;
    refresh().await;
    assert_eq!(everything(&kit).await, before);
    let mut two = next(1, 5, 5);
    two.resources.push(stored(2, row("b")));
    assert_eq!(restore(&kit, &two).await, Restored::Written(given_out(5, 5)));
}

/// As large as a changeset may be.
pub async fn r9_ten_thousand_are_one_batch<F: Fixture<Store: Restore>>(kit: Kit<F>) {
    const MANY: i64 = 10_000;
    let mut one = first(MANY, MANY);
    one.resources = (1..=MANY).map(|id| stored(id, row(&format!("{id}")))).collect();
    one.events = one.resources.iter().map(|row| event(row.id.get(), EventKind::Synced, row)).collect();
    one.cursors = (1..=MANY).map(|n| Cursor { version: n, ..Cursor::new(format!("cursor {n}")) }).collect();
    let restored = tokio::time::timeout(Duration::from_mins(2), restore(&kit, &one)).await;
    assert_eq!(restored, Ok(Restored::Written(given_out(MANY, MANY))));
    assert_eq!(rows(&kit).await, one.resources);
    assert_eq!(kit.events().await, one.events);
    let mut conn = kit.store().acquire(Access::Read).await.expect("a connection");
    let cursors = kit.store().cursors(&mut conn, &CursorQuery::Prefix("cursor ".to_owned())).await.expect("cursors");
    assert_eq!(cursors.len(), 10_000);
}
