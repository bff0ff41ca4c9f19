use delta::core::Access;
use std::time::Duration;

use delta::core::{HeadCache, LogStore as _, Store as _};
use delta::{ClientSettings, ErrorKind, EventFilter, Position};
use futures::{FutureExt as _, StreamExt as _};

use crate::kit::*;

#[tokio::test(start_paused = true)]
async fn a_stream_gives_every_event_in_order_and_then_waits() {
    let store = store();
    let client = patient(&store);
    for batch in 0..3 {
        client.inform_many((0..1_000).map(|id| item(format!("{batch}-{id}")))).await.unwrap();
    }
    let mut events = all(&client.log());
    assert_eq!(take(&mut events, 3_000).await, (1..=3_000).collect::<Vec<i64>>());
    assert!(is_quiet(&mut events).await);
    client.inform(item("late")).await.unwrap();
    assert_eq!(take(&mut events, 1).await, [3_001]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_after_the_position_that_it_was_given() {
    let store = store();
    let client = patient(&store);
    client.inform_many((0..10).map(|id| item(id.to_string()))).await.unwrap();
    let mut events = Box::pin(client.log().stream(Position::new(7), EventFilter::default()));
    assert_eq!(take(&mut events, 3).await, [8, 9, 10]);
}

#[tokio::test(start_paused = true)]
async fn the_head_is_the_last_position_that_may_be_read_and_the_end_the_last_given_out() {
    let store = store();
    let client = patient(&store);
    client.inform(item("a")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let (_, wake) = client.inform_in(&mut tx, item("b")).await.unwrap();
    client.inform(item("c")).await.unwrap();
    let head = client.log().head().await.unwrap();
    assert_eq!((head.position.get(), head.held_back, head.end().get()), (1, 2, 3));
    tx.commit().await.unwrap();
    wake.send();
    let head = client.log().head().await.unwrap();
    assert_eq!((head.position.get(), head.held_back, head.end().get()), (3, 0, 3));
}

/// Polls a stream so often before it drops the future, again and again: whatever was dropped, nothing is lost or repeated.
async fn read_by_halves(cache: HeadCache) {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table().lookup_limit(7).cache(cache)).await;
    // A loader that is not done at once, so that there is a half to drop.
    let log = log.clone().with_loader(Meddled::new(&log, |_, page| async move {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        page
    }));
    let mut events = all(&log.log());
    let mut read = Vec::new();
    for round in 0..40 {
        for _ in 0..5 {
            append(&store, &log, "a").await;
        }
        for _ in 0..30 {
            let mut next = events.next();
            let mut polls = 0;
            while polls < round % 5 {
                if let Some(event) = (&mut next).now_or_never() {
                    read.push(event.unwrap().unwrap().position.get());
                    break;
                }
                tokio::task::yield_now().await;
                polls += 1;
            }
        }
    }
    while read.len() < 200 {
        read.extend(take(&mut events, 1).await);
    }
    assert_eq!(read, (1..=200).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_nothing_with_a_shared_head() {
    read_by_halves(HeadCache::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_nothing_without_one() {
    read_by_halves(HeadCache::Off).await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_a_trim_has_passed_is_too_old_for_its_reader_alone() {
    let store = store();
    // What is still in memory may be read all the same, so that is little.
    let cache = HeadCache::On { rows: 5, bytes: 1 << 20 };
    let client = with(&store, ClientSettings::new().poll_interval(HOUR).log_cache(cache));
    client.inform_many((0..10).map(|id| item(id.to_string()))).await.unwrap();
    let log = client.log();
    // One that waits at the head, and shares it.
    let mut others = all(&log);
    assert_eq!(take(&mut others, 10).await.len(), 10);
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.trim(&mut conn, Position::new(6), 100).await.unwrap();

    let mut late = Box::pin(log.stream(Position::new(3), EventFilter::default()));
    let ((), time) = took(async {
        for _ in 0..3 {
            let error = late.next().await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
        }
    })
    .await;
    assert!(time >= Duration::from_millis(300), "each takes longer than the one before: {time:?}");
    let mut fresh = Box::pin(log.stream(Position::new(6), EventFilter::default()));
    assert_eq!(take(&mut fresh, 4).await, [7, 8, 9, 10]);
    client.inform(item("late")).await.unwrap();
    assert_eq!(take(&mut others, 1).await, [11]);
    assert_eq!(take(&mut fresh, 1).await, [11]);
}

#[tokio::test(start_paused = true)]
async fn the_first_reader_of_all_gets_its_own_error_when_its_cursor_is_too_old() {
    let store = store();
    let client = patient(&store);
    client.inform_many((0..10).map(|id| item(id.to_string()))).await.unwrap();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.trim(&mut conn, Position::new(6), 100).await.unwrap();
    let log = client.log();
    let mut late = Box::pin(log.stream(Position::new(3), EventFilter::default()));
    assert_eq!(late.next().await.unwrap().unwrap_err().kind(), ErrorKind::CursorTooOld);
    assert_eq!(late.next().await.unwrap().unwrap_err().kind(), ErrorKind::CursorTooOld);
    assert_eq!(take(&mut all(&log), 4).await, [7, 8, 9, 10], "from the start, what is left");
}

#[tokio::test(start_paused = true)]
async fn a_reader_beyond_the_end_waits_for_it_and_disturbs_nobody() {
    let store = store();
    let client = patient(&store);
    client.inform_many((0..5).map(|id| item(id.to_string()))).await.unwrap();
    let log = client.log();
    let mut beyond = Box::pin(log.stream(Position::new(8), EventFilter::default()));
    assert!(is_quiet(&mut beyond).await);
    let mut others = all(&log);
    assert_eq!(take(&mut others, 5).await, [1, 2, 3, 4, 5]);
    client.inform_many((5..10).map(|id| item(id.to_string()))).await.unwrap();
    assert_eq!(take(&mut others, 5).await, [6, 7, 8, 9, 10]);
    assert_eq!(take(&mut beyond, 2).await, [9, 10]);
}
