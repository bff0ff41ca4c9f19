use std::sync::{Arc, Mutex};

use delta::core::plan::consume::{Shape, cursor_name, slice_name};
use delta::core::{
    Access, EventTable, EventTables as _, Gap, Gaps, LogName, LogStore as _, Store as _, TableEvent, TableFilter,
    Timestamp,
};
use delta::{ErrorKind, EventFilter, MemoryCursors, Position, Trim, TrimEnd, TrimPast, TrimReport};

use crate::kit::{DAY, append, at, client, pass, positions, stand, stand_in};

fn own(consumer: &str) -> String {
    cursor_name(&LogName::own(), consumer)
}

fn held_by(report: &TrimReport) -> Option<(String, i64)> {
    match &report.end {
        TrimEnd::Consumer(slowest) => Some((slowest.consumer.clone(), slowest.position.get())),
        _ => None,
    }
}

fn is(consumer: &str, position: i64) -> (String, i64) {
    (consumer.to_owned(), position)
}

#[tokio::test(start_paused = true)]
async fn without_consumers_each_rule_removes_what_it_says() {
    let client = client();
    append(&client, 1..=5).await;
    pass(DAY).await;
    append(&client, 6..=20).await;
    let report = client.log().trim(Trim::older_than(DAY / 2)).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (5, at(5)));
    assert!(matches!(report.end, TrimEnd::Done));
    assert_eq!(positions(&client).await, (6..=20).collect::<Vec<_>>());
    let report = client.log().trim(Trim::keep(10)).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (5, at(10)));
    let report = client.log().trim(Trim::up_to(at(12))).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (2, at(12)));
    assert_eq!(positions(&client).await, (13..=20).collect::<Vec<_>>());
    let report = client.log().trim(Trim::keep(8)).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (0, at(12)), "there are no more than that");
}

#[tokio::test(start_paused = true)]
async fn the_last_events_are_kept_whatever_positions_were_left_out() {
    let client = client();
    for id in 1..=30 {
        let mut tx = client.store().begin().await.unwrap();
        let (_, wake) = client.inform_in(&mut tx, crate::kit::item(id, 1)).await.unwrap();
        if id % 3 == 0 {
            tx.commit().await.unwrap();
            wake.send();
        } else {
            tx.rollback().await;
        }
    }
    let before = positions(&client).await;
    assert_eq!((before.len(), before[9]), (10, 30), "two of three positions are left out");
    client.log().trim(Trim::keep(7)).batch(2).run().await.unwrap();
    assert_eq!(positions(&client).await, before[3..]);
    client.log().trim(Trim::keep(0)).batch(2).run().await.unwrap();
    assert_eq!(positions(&client).await, Vec::<i64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_young_event_keeps_all_after_it() {
    let client = client();
    append(&client, 1..=3).await;
    pass(DAY).await;
    append(&client, 4..=4).await;
    let report = client.log().trim(Trim::older_than(DAY)).batch(1).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (0, Position::START), "a day old is not older than a day");
    pass(DAY / 2).await;
    let report = client.log().trim(Trim::older_than(DAY)).batch(1).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (3, at(3)));
}

#[tokio::test(start_paused = true)]
async fn a_trim_stops_at_the_slowest_consumer_and_names_it() {
    for batch in [1, 3, 1_000] {
        let client = client();
        append(&client, 1..=20).await;
        stand(&client, own("fast"), Some(18), Shape::One).await;
        stand(&client, own("slow"), Some(7), Shape::One).await;
        for trim in [Trim::up_to(at(15)), Trim::keep(2), Trim::older_than(DAY / 2)] {
            pass(DAY).await;
            let report = client.log().trim(trim).batch(batch).run().await.unwrap();
            assert_eq!((report.up_to, held_by(&report)), (at(7), Some(is("slow", 7))), "{trim:?}, {batch}");
            let report = client.log().trim(trim).batch(batch).archive(kept).run().await.unwrap();
            assert_eq!((report.up_to, held_by(&report)), (at(7), Some(is("slow", 7))), "{trim:?}, {batch}");
        }
        assert_eq!(positions(&client).await, (8..=20).collect::<Vec<_>>());
        let report = client.log().trim(Trim::up_to(at(5))).batch(batch).run().await.unwrap();
        assert!(matches!(report.end, TrimEnd::Done), "it is not held by who is further");
        stand(&client, own("slow"), Some(19), Shape::One).await;
        let report = client.log().trim(Trim::up_to(at(15))).batch(batch).run().await.unwrap();
        assert_eq!((report.up_to, held_by(&report)), (at(15), None));
    }
}

async fn kept(_: Vec<delta::Event>) -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slice_and_a_consumer_that_has_yet_to_begin_hold_it_too() {
    let client = client();
    append(&client, 1..=20).await;
    stand(&client, own("sharded"), None, Shape::Sharded).await;
    let report = client.log().trim(Trim::keep(0)).run().await.unwrap();
    assert_eq!((report.up_to, held_by(&report)), (Position::START, Some(is("sharded", 0))), "it has no slices yet");
    for slice in 0..1_024 {
        let position = if slice == 77 { 4 } else { 20 };
        stand(&client, slice_name(&LogName::own(), "sharded", slice), Some(position), Shape::Sharded).await;
    }
    let report = client.log().trim(Trim::keep(0)).run().await.unwrap();
    assert_eq!((report.up_to, held_by(&report)), (at(4), Some(is("sharded", 4))));
    stand(&client, own("new"), None, Shape::One).await;
    let report = client.log().trim(Trim::keep(0)).run().await.unwrap();
    assert_eq!((report.up_to, held_by(&report)), (at(4), Some(is("new", 0))));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_kept_elsewhere_holds_it_if_it_is_named() {
    let client = client();
    append(&client, 1..=20).await;
    stand(&client, own("here"), Some(15), Shape::One).await;
    let elsewhere = || MemoryCursors::new().with("there", at(9));
    let report = client.log().trim(Trim::keep(0)).cursors(elsewhere(), ["there"]).run().await.unwrap();
    assert_eq!((report.up_to, held_by(&report)), (at(9), Some(is("there", 9))));
    let report = client.log().trim(Trim::keep(0)).cursors(elsewhere(), ["there", "nowhere"]).run().await.unwrap();
    assert_eq!((report.up_to, held_by(&report)), (at(9), Some(is("nowhere", 0))));
}

#[tokio::test(start_paused = true)]
async fn told_to_it_passes_consumers_who_then_hear_that_they_are_too_old() {
    let client = client();
    append(&client, 1..=20).await;
    stand(&client, own("slow"), Some(7), Shape::One).await;
    let report = client.log().trim(Trim::keep(5)).past(TrimPast::Consumers).run().await.unwrap();
    assert_eq!((report.events, report.up_to, held_by(&report)), (15, at(15), None));
    let error = client.log().page(at(7), 10, &EventFilter::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CursorTooOld);
}

#[tokio::test(start_paused = true)]
async fn an_archive_has_each_batch_before_it_is_removed() {
    let client = client();
    append(&client, 1..=10).await;
    let archived = Arc::new(Mutex::new(Vec::new()));
    let (noted, asked) = (archived.clone(), client.clone());
    let hook = move |events: Vec<delta::Event>| {
        let (noted, asked) = (noted.clone(), asked.clone());
        async move {
            let batch: Vec<i64> = events.iter().map(|event| event.position.get()).collect();
            let there = positions(&asked).await;
            assert!(batch.iter().all(|position| there.contains(position)), "{batch:?} of {there:?}");
            noted.lock().unwrap().push(batch);
            Ok::<(), std::convert::Infallible>(())
        }
    };
    let report = client.log().trim(Trim::up_to(at(8))).batch(3).archive(hook).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (8, at(8)));
    assert_eq!(*archived.lock().unwrap(), [vec![1, 2, 3], vec![4, 5, 6], vec![7, 8]]);
}

#[tokio::test(start_paused = true)]
async fn an_archive_that_fails_stops_it_with_nothing_of_that_batch_removed() {
    let client = client();
    append(&client, 1..=10).await;
    let hook = |events: Vec<delta::Event>| async move {
        if events.iter().any(|event| event.position == at(5)) { Err("the archive is full") } else { Ok(()) }
    };
    let report = client.log().trim(Trim::keep(0)).batch(3).archive(hook).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (3, at(3)));
    assert!(matches!(&report.end, TrimEnd::Archive(error) if error.to_string() == "the archive is full"));
    assert_eq!(positions(&client).await, (4..=10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_and_removes_nothing() {
    let client = client();
    append(&client, 1..=3).await;
    let error = client.log().trim(Trim::up_to(at(4))).run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("expected at most 3, the head of the log, found 4"), "{error}");
    assert_eq!(client.log().trim(Trim::keep(0)).batch(0).run().await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(positions(&client).await, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_applications_log_is_trimmed_alike_with_the_noop_events_that_nobody_sees() {
    let client = client();
    let table = EventTable::new("orders").gaps(Gaps::Waited);
    let orders = client.event_log(table.clone()).unwrap();
    orders.create().await.unwrap();
    for number in 1..=12 {
        let mut tx = client.store().begin().await.unwrap();
        orders.insert(&mut tx, format!("o{number}"), 1).await.unwrap().send();
        if number % 4 == 0 {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await;
        }
    }
    let mut conn = client.store().acquire(Access::Write).await.unwrap();
    for (after, before) in [(0, 4), (4, 8), (8, 12)] {
        let gap = Gap { after: at(after), before: at(before) };
        client.store().fill_gap(&mut conn, &table, gap, Timestamp::EPOCH).await.unwrap();
    }
    let log = LogName::of_table("orders");
    stand_in(&client, &log, cursor_name(&log, "slow"), Some(10), Shape::One).await;
    let archived = Arc::new(Mutex::new(Vec::new()));
    let noted = archived.clone();
    let hook = move |events: Vec<TableEvent>| {
        noted.lock().unwrap().extend(events.iter().map(|event| event.position.get()));
        std::future::ready(Ok::<(), std::convert::Infallible>(()))
    };
    let report = orders.log().trim(Trim::keep(0)).batch(2).archive(hook).run().await.unwrap();
    assert_eq!((report.events, report.up_to, held_by(&report)), (10, at(10), Some(is("slow", 10))));
    assert_eq!(*archived.lock().unwrap(), [4, 8]);
    let page = orders.log().page(Position::START, 10, &TableFilter::default()).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.position.get()).collect::<Vec<_>>(), [12]);
    stand_in(&client, &log, cursor_name(&log, "slow"), Some(12), Shape::One).await;
    let report = orders.log().trim(Trim::keep(0)).run().await.unwrap();
    assert_eq!((report.events, report.up_to, held_by(&report)), (2, at(12), None));
}

#[tokio::test(start_paused = true)]
async fn a_trim_goes_on_where_another_one_ended() {
    let client = client();
    append(&client, 1..=10).await;
    let mut conn = client.store().acquire(Access::Write).await.unwrap();
    client.store().trim(&mut conn, at(4), 100).await.unwrap();
    let report = client.log().trim(Trim::up_to(at(6))).archive(kept).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (2, at(6)));
    let report = client.log().trim(Trim::up_to(at(3))).run().await.unwrap();
    assert_eq!((report.events, report.up_to), (0, at(6)));
}
