//! T3: appending events to applications' tables.

use delta_core::{
    ErrorKind, EventTables, ForeignId, ForeignIdType, NewEvent, Position, Store, TableEvent, Timestamp, Trace,
};
use futures::FutureExt;

use super::fixture::{Fixture, Keep};
use super::kit::Kit;
use super::rows::at;
use super::tables::{about, full, new, news, plain, positions, refused};

fn trace() -> Trace {
    Trace::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("a trace")
}

fn read_as(position: Position, event: &NewEvent) -> TableEvent {
    let NewEvent { foreign_id, kind, at, metadata, trace } = event.clone();
    TableEvent { position, foreign_id, kind, at, metadata, trace }
}

/// Every text but NUL, every byte, and what is not there is not there.
pub async fn t3_events_come_back_as_they_were_appended<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = full("events");
    kit.create(&table).await;
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let events = [
        new("plain"),
        NewEvent { metadata: Some(b"{\"a\": 1}".to_vec()), trace: Some(trace()), ..new("whole") },
        NewEvent { metadata: Some(Vec::new()), ..new("empty metadata") },
        NewEvent { metadata: Some(bytes), ..new("any bytes") },
        NewEvent { trace: Some(trace()), ..new("a trace alone") },
        new(""),
        new(" spaces at both ends "),
        new("ä \u{1} \u{fffd} \u{10ffff} 'one' \"two\" \\ \r\n\t %_; -- $1 ?"),
        new("ä".repeat(127)),
        new("A"),
        new("a"),
        new("0"),
        new("007"),
        NewEvent { kind: 0, ..new("kind zero") },
        NewEvent { kind: -7, ..new("a negative kind") },
    ];
    let at = kit.append(&table, &events).await;
    let expected: Vec<TableEvent> = at.iter().zip(&events).map(|(at, event)| read_as(*at, event)).collect();
    let found = kit.read_all(&table).await;
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// Integers have 64 bits, but for the kind, of which 32 are used; times have microseconds.
pub async fn t3_numbers_and_times_at_their_ends_come_back<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").foreign_ids(ForeignIdType::Int);
    kit.create(&table).await;
    let moment = |micros| Timestamp::from_micros(micros);
    let events = [
        NewEvent { kind: i64::from(i32::MAX), ..new(i64::MAX) },
        NewEvent { kind: i64::from(i32::MIN), ..new(i64::MIN) },
        new(0),
        NewEvent { kind: 0, ..new(-1) },
        NewEvent { at: moment(1), ..new(1) },
        NewEvent { at: moment(1_700_000_000_999_999), ..new(2) },
        NewEvent { at: moment(4_102_444_800_000_001), ..new(3) },
    ];
    let at = kit.append(&table, &events).await;
    let expected: Vec<TableEvent> = at.iter().zip(&events).map(|(at, event)| read_as(*at, event)).collect();
    assert_eq!(kit.read_all(&table).await, expected);
}

/// The order of the list, not of what the events are about.
pub async fn t3_positions_are_in_the_order_of_events<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    let first = kit.append(&table, &news(["c", "a", "b", "a"])).await;
    let second = kit.append(&table, &news(["z", "a"])).await;
    let all = [first, second].concat();
    assert!(all.is_sorted_by(|one, other| one < other), "{all:?}");
    let found = kit.read_all(&table).await;
    assert_eq!(about(&found), ["c", "a", "b", "a", "z", "a"]);
    assert_eq!(positions(&found), all);
}

/// They are appended at once.
pub async fn t3_no_events_are_none<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    assert_eq!(kit.append(&table, &[]).await, []);
    assert_eq!(kit.read_all(&table).await, []);
}

/// As many as a changeset may have.
pub async fn t3_thousands_are_appended_at_once<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = full("events");
    kit.create(&table).await;
    let event = |n: usize| NewEvent { metadata: Some(n.to_string().into_bytes()), ..new(format!("{n}")) };
    let events: Vec<NewEvent> = (0..10_000).map(event).collect();
    let at = kit.append(&table, &events).await;
    let found = kit.read_all(&table).await;
    assert_eq!(positions(&found), at);
    assert!(found.iter().zip(&events).all(|(found, event)| *found == read_as(found.position, event)));
}

/// They are there with its commit, and not without.
pub async fn t3_events_join_the_callers_transaction<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    let mut tx = kit.begin().await;
    kit.append_in(&mut tx, &table, &news(["a"])).await;
    kit.append_in(&mut tx, &table, &news(["b"])).await;
    assert_eq!(kit.read_all(&table).await, [], "not committed yet");
    kit.end(tx, Keep::Rollback).await;
    assert_eq!(kit.read_all(&table).await, []);
    let mut tx = kit.begin().await;
    kit.append_in(&mut tx, &table, &news(["c"])).await;
    kit.append_in(&mut tx, &table, &news(["d"])).await;
    kit.end(tx, Keep::Commit).await;
    assert_eq!(about(&kit.read_until(&table, 2).await), ["c", "d"]);
}

/// However far it came.
pub async fn t3_a_dropped_append_leaves_all_or_nothing<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    let mut whole = 0;
    for polls in 0..30 {
        let events: Vec<NewEvent> = (0..50).map(|n| new(format!("{polls}/{n}"))).collect();
        // A connection on which a call was dropped is thrown away, as in S1.
        let mut conn = kit.writer().await;
        {
            let append = kit.store().append_events(&mut conn, &table, &events);
            let mut append = std::pin::pin!(append);
            for _ in 0..polls {
                if append.as_mut().now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        kit.store().discard(conn);
        let found = kit.read_all(&table).await;
        let of_this =
            found.iter().filter(|event| event.foreign_id.to_string().starts_with(&format!("{polls}/"))).count();
        assert!(of_this == 0 || of_this == 50, "{of_this} of 50");
        whole += usize::from(of_this == 50);
    }
    let last = kit.append(&table, &news(["last"])).await;
    let found = kit.read_until(&table, 50 * whole + 1).await;
    assert_eq!(found.last().map(|event| event.position), last.first().copied());
}

/// Each reason by itself, with others that are right before it.
pub async fn t3_what_cannot_be_is_invalid_and_nothing_is_written<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let texts = plain("texts");
    let numbers = plain("numbers").foreign_ids(ForeignIdType::Int);
    kit.create(&texts).await;
    kit.create(&numbers).await;
    let noop = |id: ForeignId| NewEvent { kind: 0, ..new(id) };
    let wrong = [
        (&texts, noop("0".into())),
        (&numbers, noop(0.into())),
        (&texts, NewEvent { metadata: Some(Vec::new()), ..new("a") }),
        (&texts, new(1)),
        (&numbers, new("1")),
        (&texts, new("x".repeat(256))),
        (&texts, new("ä".repeat(128))),
        (&texts, new("a\0b")),
    ];
    for (table, event) in wrong {
        let right = if table.foreign_id_type() == ForeignIdType::Int { new(1) } else { new("a") };
        refused(kit.try_append(table, &[right.clone(), event.clone()]).await, ErrorKind::Invalid);
        refused(kit.try_append(table, &[event, right]).await, ErrorKind::Invalid);
        assert_eq!(kit.read_all(table).await, []);
    }
}

/// Nothing has failed in the database, so the caller may go on.
pub async fn t3_a_refusal_leaves_the_transaction_as_it_is<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    let mut tx = kit.begin().await;
    kit.append_in(&mut tx, &table, &news(["a"])).await;
    refused(kit.store().append_events(&mut tx, &table, &[new("b"), new(1)]).await, ErrorKind::Invalid);
    kit.append_in(&mut tx, &table, &news(["c"])).await;
    kit.end(tx, Keep::Commit).await;
    assert_eq!(about(&kit.read_until(&table, 2).await), ["a", "c"]);
}

/// It is of use to those alone who have asked for it.
pub async fn t3_a_trace_without_a_column_is_left_out<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    kit.append(&table, &[NewEvent { trace: Some(trace()), at: at(3), ..new("a") }]).await;
    let found = kit.read_all(&table).await;
    assert_eq!((found[0].trace.as_ref(), found[0].at), (None, at(3)));
}
