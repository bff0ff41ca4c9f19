use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use delta::core::{HeadCache, NewEvent, Notifier, TableFilter};
use delta::{ClientSettings, Error, ErrorKind, Event, EventFilter, Position, Timestamp};
use futures::{FutureExt as _, StreamExt as _};

use crate::counting::Counting;
use crate::kit::*;
use crate::recorder::Recorder;

/// How many queries so many readers of Delta's own log cost while 200 commits come in, one after the other.
async fn queries_of(readers: usize, settings: ClientSettings, filter: impl Fn(usize) -> EventFilter) -> u64 {
    let store = Counting::new(store());
    let client = with(&store, settings);
    let mut streams: Vec<_> =
        (0..readers).map(|number| Box::pin(client.log().stream(Position::START, filter(number)))).collect();
    for number in 0..200 {
        client.inform(item(format!("later-{number}"))).await.unwrap();
        for stream in &mut streams {
            let event: Event = stream.next().await.unwrap().unwrap();
            assert_eq!(event.position.get(), number + 1);
        }
    }
    store.queries()
}

#[tokio::test(start_paused = true)]
async fn fifty_readers_cost_about_as_many_queries_as_one() {
    let settings = ClientSettings::new;
    let one = queries_of(1, settings(), |_| EventFilter::default()).await;
    let fifty = queries_of(50, settings(), |_| EventFilter::default()).await;
    assert!(one <= 220, "one reader: {one} queries for 200 commits");
    assert!(fifty <= one + 10, "one reader: {one} queries, fifty: {fifty}");
}

#[tokio::test(start_paused = true)]
async fn readers_with_filters_of_their_own_share_the_head_too() {
    let filter = |number: usize| match number % 2 {
        0 => EventFilter::default(),
        _ => scheduled(),
    };
    let fifty = queries_of(50, ClientSettings::new(), filter).await;
    assert!(fifty <= 280, "each finds the head once by itself: {fifty} queries");
}

#[tokio::test(start_paused = true)]
async fn without_the_cache_each_reads_for_itself() {
    let ten = queries_of(10, ClientSettings::new().log_cache(HeadCache::Off), |_| EventFilter::default()).await;
    assert!(ten >= 2_000, "{ten} queries of ten readers for 200 commits");
}

#[tokio::test(start_paused = true)]
async fn fifty_readers_of_an_application_log_share_its_head() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table()).await;
    let loader = Meddled::noted(&log);
    let queries = loader.queries.clone();
    let log = log.with_loader(loader);
    let mut streams: Vec<_> = (0..50).map(|_| all(&log.log())).collect();
    for number in 0..100 {
        append(&store, &log, "a").await;
        for stream in &mut streams {
            assert_eq!(take(stream, 1).await, [number + 1]);
        }
    }
    let queries = queries.lock().unwrap().len();
    assert!(queries <= 110, "{queries} queries for 100 commits");
}

#[tokio::test(start_paused = true)]
async fn all_that_a_client_makes_of_one_table_share_its_head() {
    let store = store();
    let client = patient(&store);
    let one = log_of(&client, table()).await;
    let mut first = all(&one.log());
    append(&store, &one, "a").await;
    assert_eq!(take(&mut first, 1).await, [1]);
    let recorder = Recorder::default();
    let _recording = metrics::set_default_local_recorder(&recorder);
    // It is at the head, where somebody reads already.
    let two = client.event_log(table()).unwrap();
    let mut second = Box::pin(two.log().stream(Position::new(1), TableFilter::default()));
    assert!(second.next().now_or_never().is_none());
    append(&store, &one, "b").await;
    assert_eq!(take(&mut second, 1).await, [2]);
    let missed = recorder.named("delta_log_cache_misses_total").len();
    assert_eq!(missed, 0, "nothing was read by itself");
}

#[tokio::test(start_paused = true)]
async fn who_is_behind_has_its_filter_in_the_database_until_it_reaches_the_head() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table().lookup_limit(10)).await;
    let mut tx = store.begin().await.unwrap();
    for number in 0..100 {
        let kind = if number % 20 == 19 { 2 } else { 1 };
        let _ = log.append(&mut tx, &[NewEvent::new("a", kind, Timestamp::EPOCH)]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let loader = Meddled::noted(&log);
    let queries = loader.queries.clone();
    let log = log.with_loader(loader);
    let filter = TableFilter { kinds: Some(BTreeSet::from([2])), ..TableFilter::default() };
    let mut rare = Box::pin(log.log().stream(Position::START, filter.clone()));
    assert_eq!(take(&mut rare, 5).await, [20, 40, 60, 80, 100]);
    assert!(queries.lock().unwrap().iter().all(|query| query.filter == filter), "all in the database");
    assert!(rare.next().now_or_never().is_none());
    append(&store, &log, "b").await;
    assert!(is_quiet(&mut rare).await, "filtered in the process");
    let last = queries.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last.filter, last.after), (TableFilter::default(), Position::new(101)), "the head is read for all");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_falls_out_of_a_full_window_and_misses_nothing() {
    for cache in [HeadCache::On { rows: 20, bytes: 1 << 20 }, HeadCache::On { rows: 1_000, bytes: 4_000 }] {
        let store = store();
        let client = patient(&store);
        let log = log_of(&client, table().lookup_limit(10).cache(cache)).await;
        let (mut quick, mut slow) = (all(&log.log()), all(&log.log()));
        append(&store, &log, "a").await;
        assert_eq!((take(&mut quick, 1).await, take(&mut slow, 1).await), (vec![1], vec![1]));
        for number in 2..=200 {
            append(&store, &log, "a").await;
            assert_eq!(take(&mut quick, 1).await, [number]);
        }
        assert_eq!(take(&mut slow, 199).await, (2..=200).collect::<Vec<i64>>());
        append(&store, &log, "a").await;
        assert_eq!((take(&mut quick, 1).await, take(&mut slow, 1).await), (vec![201], vec![201]));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_ahead_of_a_reader_that_does_not_go_on() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table().lookup_limit(10)).await;
    for _ in 0..100 {
        append(&store, &log, "a").await;
    }
    let loader = Meddled::noted(&log);
    let queries = loader.queries.clone();
    let log = log.with_loader(loader);
    let mut events = all(&log.log());
    assert_eq!(take(&mut events, 1).await, [1]);
    pass(HOUR * 10).await;
    let read = queries.lock().unwrap().len();
    assert!(read <= 3, "a page that it takes, and one that waits for it: {read}");
}

/// A reader has seen the end of the log while the reader for all is far behind. What is appended right after it has looked is
/// told to the one far behind, which is to jump to it.
#[tokio::test(start_paused = true)]
async fn what_is_told_while_a_reader_takes_over_the_head_is_not_missed() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table().lookup_limit(10).notifier(Notifier::InProcess)).await;
    for _ in 0..100 {
        append(&store, &log, "a").await;
    }
    let slow = Arc::new(tokio::sync::Mutex::new(None));
    let (inside, within, slows) = (store.clone(), log.clone(), slow.clone());
    let meddled = log.clone().with_loader(Meddled::new(&log, move |query, page| {
        let (store, log, slow) = (inside.clone(), within.clone(), slows.clone());
        let is_first = query.filter != TableFilter::default() && query.after == Position::new(100);
        async move {
            if is_first && page.as_ref().unwrap().events.is_empty() {
                append(&store, &log, "a").await;
                // It goes on, and whoever reads for it has heard of the event then.
                assert_eq!(take(slow.lock().await.as_mut().unwrap(), 20).await.len(), 20);
                pass(SECOND).await;
            }
            page
        }
    }));
    *slow.lock().await = Some(all(&meddled.log()));
    assert_eq!(take(slow.lock().await.as_mut().unwrap(), 1).await, [1]);
    let mut quick = Box::pin(meddled.log().stream(Position::new(100), TableFilter::of_kinds([1])));
    let (taken, time) = took(take(&mut quick, 1)).await;
    assert_eq!(taken, [101]);
    assert!(time < 2 * SECOND, "{time:?}");
    assert_eq!(take(slow.lock().await.as_mut().unwrap(), 80).await, (22..=101).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn the_last_reader_to_go_ends_the_reading() {
    let store = Counting::new(store());
    let client = with(&store, ClientSettings::new());
    let (mut one, mut two) = (all(&client.log()), all(&client.log()));
    client.inform(item("a")).await.unwrap();
    assert_eq!((take(&mut one, 1).await, take(&mut two, 1).await), (vec![1], vec![1]));
    drop(one);
    let before = store.queries();
    pass(10 * SECOND).await;
    assert!(store.queries() >= before + 9, "it polls for the other one");
    drop(two);
    pass(SECOND).await;
    let before = store.queries();
    pass(HOUR).await;
    assert_eq!(store.queries(), before);
    assert_eq!(take(&mut all(&client.log()), 1).await, [1], "and the next one begins anew");
}

#[tokio::test(start_paused = true)]
async fn an_error_at_the_head_reaches_each_reader_once_and_reading_goes_on() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table()).await;
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = broken.clone();
    let log = log.clone().with_loader(Meddled::new(&log, move |_, page| {
        let broken = is_broken.load(Ordering::SeqCst);
        std::future::ready(if broken { Err(Error::new(ErrorKind::Unavailable, "events", "no route")) } else { page })
    }));
    let mut streams = [all(&log.log()), all(&log.log())];
    append(&store, &log, "a").await;
    for stream in &mut streams {
        assert_eq!(take(stream, 1).await, [1]);
    }
    broken.store(true, Ordering::SeqCst);
    append(&store, &log, "b").await;
    for stream in &mut streams {
        let error = stream.next().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "events: unavailable: no route");
    }
    broken.store(false, Ordering::SeqCst);
    for stream in &mut streams {
        let (event, took) = took(async {
            loop {
                // What was tried again meanwhile may have failed once more.
                if let Ok(event) = stream.next().await.unwrap() {
                    return event;
                }
            }
        })
        .await;
        assert_eq!(event.position.get(), 2);
        assert!(took <= SECOND, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_loader_is_not_waited_for_for_ever() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table()).await;
    let calls = Arc::new(AtomicU64::new(0));
    let log = log.clone().with_loader(Meddled::new(&log, move |_, page| {
        assert!(calls.fetch_add(1, Ordering::SeqCst) != 1, "a fault of the loader's own");
        std::future::ready(page)
    }));
    let mut events = all(&log.log());
    assert!(events.next().now_or_never().is_none());
    pass(SECOND).await;
    append(&store, &log, "a").await;
    let (taken, took) = took(take(&mut events, 1)).await;
    assert_eq!(taken, [1]);
    assert!(took <= SECOND, "{took:?}");
}
