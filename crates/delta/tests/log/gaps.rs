use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{EventTable, Gap, Gaps};
use delta::{ErrorKind, EventLog, FillGaps, MemoryStore, Position};
use futures::{FutureExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::kit::*;
use crate::recorder::Recorder;

type Transaction = delta_store_memory::MemoryTransaction;

fn gap(after: i64, before: i64) -> Gap {
    Gap { after: Position::new(after), before: Position::new(before) }
}

fn waited() -> EventTable {
    table().gaps(Gaps::Waited)
}

async fn waited_log(store: &MemoryStore) -> EventLog<MemoryStore> {
    log_of(&patient(store), waited()).await
}

/// Takes an id in a transaction that stays open.
async fn open(store: &MemoryStore, log: &EventLog<MemoryStore>) -> Transaction {
    let mut tx = store.begin().await.unwrap();
    let _forgotten = log.insert(&mut tx, "open", 1).await.unwrap();
    tx
}

/// Takes ids that are never used.
async fn lose(store: &MemoryStore, log: &EventLog<MemoryStore>, ids: usize) {
    let mut tx = store.begin().await.unwrap();
    for _ in 0..ids {
        let _forgotten = log.insert(&mut tx, "lost", 1).await.unwrap();
    }
    tx.rollback().await;
}

/// Fills gaps until the token is cancelled.
fn filling(log: &EventLog<MemoryStore>, stop: &CancellationToken) -> tokio::task::JoinHandle<u64> {
    let (log, stop) = (log.clone(), stop.clone());
    spawn(async move { log.fill_gaps(FillGaps::new(), stop.cancelled_owned()).await.unwrap() })
}

/// Defect 3 of the origin: an id that is missing before all others was skipped for ever.
#[tokio::test(start_paused = true)]
async fn the_very_first_event_is_waited_for() {
    let store = store();
    let log = waited_log(&store).await;
    let mut events = all(&log.log());
    let first = open(&store, &log).await;
    append(&store, &log, "second").await;
    assert!(is_quiet(&mut events).await);
    first.commit().await.unwrap();
    assert_eq!(take(&mut events, 2).await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_of_a_gap_that_stops_readers() {
    let store = store();
    let log = waited_log(&store).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = heard.clone();
    let listener = log.on_gap(move |gap| notes.lock().unwrap().push(gap));
    let mut events = all(&log.log());
    append(&store, &log, "a").await;
    lose(&store, &log, 2).await;
    append(&store, &log, "b").await;
    assert_eq!(take(&mut events, 1).await, [1]);
    assert!(is_quiet(&mut events).await);
    assert_eq!(*heard.lock().unwrap(), [gap(1, 4)]);
    drop(listener);
}

#[tokio::test(start_paused = true)]
async fn several_gaps_are_filled_at_once_though_readers_stand_before_the_first() {
    let store = store();
    let log = waited_log(&store).await;
    for _ in 0..5 {
        lose(&store, &log, 2).await;
        append(&store, &log, "a").await;
    }
    let stop = CancellationToken::new();
    let filler = filling(&log, &stop);
    let mut events = all(&log.log());
    let (taken, time) = took(take(&mut events, 5)).await;
    assert_eq!(taken, [3, 6, 9, 12, 15]);
    let patience = Duration::from_millis(200);
    assert!(time >= patience && time < SECOND, "not before they are old enough: {time:?}");
    stop.cancel();
    assert_eq!(filler.await.unwrap(), 10);
}

/// Defect 8 of the origin: the filler was one loop that a long transaction stopped, and it knew no other name of the column.
#[tokio::test(start_paused = true)]
async fn a_long_transaction_in_one_gap_does_not_keep_others_from_being_filled() {
    let store = store();
    let client = patient(&store);
    let log =
        log_of(&client, EventTable::new("renamed").gaps(Gaps::Waited).poll_interval(HOUR).id_column("number")).await;
    let slow = open(&store, &log).await;
    append(&store, &log, "a").await;
    lose(&store, &log, 1).await;
    append(&store, &log, "b").await;
    let stop = CancellationToken::new();
    let filler = filling(&log, &stop);
    pass(10 * SECOND).await;
    stop.cancel();
    assert_eq!(filler.await.unwrap(), 1, "the one behind the one that is open");
    let mut events = all(&log.log());
    assert!(events.next().now_or_never().is_none());
    slow.commit().await.unwrap();
    let (taken, time) = took(take(&mut events, 3)).await;
    assert_eq!(taken, [1, 2, 4], "and it is read when it has committed");
    assert!(time <= SECOND, "{time:?}");
}

/// Defect 6 of the origin: stopping waited for the transaction in the gap, and stopping twice panicked.
#[tokio::test(start_paused = true)]
async fn filling_stops_at_once_whatever_is_open_and_may_be_begun_again() {
    let store = store();
    let log = waited_log(&store).await;
    let slow = open(&store, &log).await;
    append(&store, &log, "a").await;
    for _ in 0..2 {
        let stop = CancellationToken::new();
        let filler = filling(&log, &stop);
        pass(10 * SECOND).await;
        stop.cancel();
        stop.cancel();
        let (ids, time) = took(async { filler.await.unwrap() }).await;
        assert_eq!(ids, 0);
        assert!(time < Duration::from_millis(10), "{time:?}");
        let _listener = log.on_gap(|_| {});
    }
    slow.rollback().await;
    let stop = CancellationToken::new();
    let filler = filling(&log, &stop);
    assert_eq!(take(&mut all(&log.log()), 1).await, [2]);
    stop.cancel();
    assert_eq!(filler.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_who_fill_the_same_gaps_do_no_harm() {
    let store = store();
    let log = waited_log(&store).await;
    let stop = CancellationToken::new();
    let fillers = [filling(&log, &stop), filling(&log, &stop)];
    let mut events = all(&log.log());
    for round in 1..=10 {
        lose(&store, &log, 1).await;
        append(&store, &log, "a").await;
        assert_eq!(take(&mut events, 1).await, [2 * round]);
    }
    stop.cancel();
    let mut filled = 0;
    for filler in fillers {
        filled += filler.await.unwrap();
    }
    assert_eq!(filled, 10, "each id once");
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_is_about_to_close_is_left_alone() {
    let store = store();
    let log = waited_log(&store).await;
    let stop = CancellationToken::new();
    let filler = filling(&log, &stop);
    let mut events = all(&log.log());
    for round in 0..10 {
        let tx = open(&store, &log).await;
        append(&store, &log, "behind").await;
        pass(Duration::from_millis(100)).await;
        tx.commit().await.unwrap();
        assert_eq!(take(&mut events, 2).await, [2 * round + 1, 2 * round + 2]);
    }
    stop.cancel();
    assert_eq!(filler.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_table_whose_gaps_mean_nothing_is_not_filled() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table()).await;
    let error = log.fill_gaps(FillGaps::new(), std::future::pending()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// Defect 11 of the origin: metrics that nobody ever set.
#[tokio::test(start_paused = true)]
async fn every_metric_of_gaps_is_set() {
    let recorder = Recorder::default();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let of_gaps = || recorder.named("delta_log_gap");
    let store = store();
    let log = waited_log(&store).await;
    let mut events = all(&log.log());
    lose(&store, &log, 3).await;
    append(&store, &log, "a").await;
    assert!(is_quiet(&mut events).await);
    let listener = log.on_gap(|_| {});
    let found = of_gaps();
    assert_eq!(
        (
            found["delta_log_gaps_total{user_events}"].as_str(),
            found["delta_log_gap_blocks{user_events}"].as_str(),
            found["delta_log_gap_listening{user_events}"].as_str()
        ),
        ("1.0", "1.0", "1.0")
    );
    let stop = CancellationToken::new();
    let filler = filling(&log, &stop);
    assert_eq!(take(&mut events, 1).await, [4]);
    let found = of_gaps();
    assert_eq!(
        (
            found["delta_log_gaps_filled_total{user_events}"].as_str(),
            found["delta_log_gap_blocks{user_events}"].as_str(),
            found["delta_log_gap_listening{user_events}"].as_str()
        ),
        ("3.0", "0.0", "2.0")
    );
    stop.cancel();
    filler.await.unwrap();
    drop(listener);
    assert_eq!(of_gaps()["delta_log_gap_listening{user_events}"], "0.0");
}
