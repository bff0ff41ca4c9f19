//! Batches, many at once, order by key, manual acks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::LogEvent as _;
use delta::{Batch, ConsumeError, Consumer, CursorWrites, Delivery, Event, GiveUp, Recovered};

use crate::kit::{Mail, Seen, append, error, position, settle, standing, with_events};

/// A consumer of batches that notes their sizes and last positions.
fn batches(batch: Batch) -> (Mail, Arc<Mutex<Vec<Vec<i64>>>>) {
    let seen: Arc<Mutex<Vec<Vec<i64>>>> = Arc::default();
    let also = seen.clone();
    let consumer = Consumer::batch("batches", batch, move |_, events: Vec<Event>| {
        also.lock().unwrap().push(events.iter().map(|event| event.position.get()).collect());
        async { Ok::<(), ConsumeError>(()) }
    });
    (consumer, seen)
}

#[tokio::test(start_paused = true)]
async fn batches_are_full_or_old_and_the_last_one_is_not_waited_for() {
    let client = with_events(25).await;
    let (consumer, seen) = batches(Batch::new().size(10));
    let summary = client.log().consumer(consumer).to_head().run_once().await.unwrap();
    let expected: Vec<Vec<i64>> = vec![(1..=10).collect(), (11..=20).collect(), (21..=25).collect()];
    assert_eq!((seen.lock().unwrap().clone(), summary.handled), (expected, 25));
    append(&client, 26, 3).await;
    let (consumer, seen) = batches(Batch::new().size(10).age(Duration::from_mins(1)));
    let log = client.log();
    let running = crate::kit::spawn(async move { log.consumer(consumer).run(std::future::pending()).await });
    crate::kit::sleep(Duration::from_secs(59)).await;
    assert!(seen.lock().unwrap().is_empty());
    crate::kit::sleep(Duration::from_secs(2)).await;
    assert_eq!(seen.lock().unwrap().clone(), [[26, 27, 28]]);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_batch_larger_than_a_page_is_filled() {
    let client = with_events(30).await;
    let (consumer, seen) = batches(Batch::new().size(25));
    client.log().consumer(consumer).page_size(4).to_head().run_once().await.unwrap();
    assert_eq!(seen.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>(), [25, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_by_age_is_told_without_another_event() {
    // Regression: the failure of a batch that a timer had begun was seen only when the next event came.
    let client = with_events(3).await;
    let consumer =
        Consumer::batch("batches", Batch::new().size(10), |_, _: Vec<Event>| async { Err::<(), _>(error("no")) });
    let failure = client.log().consumer(consumer).run_once().await.unwrap_err();
    assert!(failure.to_string().contains("no"), "{failure}");
    assert_eq!(position(&client, "batches").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_failure_is_told_without_another_event() {
    // Regression: the failure of one of many was returned with a later event.
    let client = with_events(3).await;
    let consumer = Consumer::new("many", |_, event: Event| async move {
        if event.position.get() == 2 { Err(error("no")) } else { Ok(()) }
    });
    let failure = client.log().consumer(consumer.max_in_flight(8)).run_once().await.unwrap_err();
    assert!(failure.to_string().contains("no"), "{failure}");
    assert_eq!(position(&client, "many").await, 1);
}

#[tokio::test(start_paused = true)]
async fn so_many_are_in_flight_and_the_cursor_stays_below_the_first_unhandled() {
    let client = with_events(100).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Seen::new();
    let inner = (now.clone(), most.clone(), seen.clone());
    let consumer = Consumer::new("many", move |_, event: Event| {
        let (now, most, seen) = inner.clone();
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The first takes longest.
            let pause = if event.position.get() == 1 { 600 } else { 1 };
            crate::kit::sleep(Duration::from_secs(pause)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            seen.note(&event);
            Ok::<(), ConsumeError>(())
        }
    });
    let log = client.log();
    let consumption = log.consumer(consumer.max_in_flight(10)).cursor(CursorWrites::Sync).to_head();
    let running = crate::kit::spawn(consumption.run_once());
    seen.wait(99).await;
    assert_eq!((position(&client, "many").await, seen.all().contains(&1)), (0, false));
    running.await.unwrap().unwrap();
    assert_eq!((position(&client, "many").await, most.load(Ordering::SeqCst)), (100, 10));
}

#[tokio::test(start_paused = true)]
async fn events_of_one_key_are_in_order_while_others_go_on() {
    let client = with_events(0).await;
    for round in 1..=10_u64 {
        for id in ["a", "b", "c"] {
            let key = delta::Key::new("default", "item", id).unwrap();
            if round == 1 {
                client.inform(&crate::kit::Item { id: id.to_owned() }).await.unwrap();
            } else if round % 2 == 0 {
                client.pause(&delta::Pausable::Resource(key)).await.unwrap();
            } else {
                client.resume(&delta::Pausable::Resource(key)).await.unwrap();
            }
        }
    }
    let (seen, at_once) = (Arc::new(Mutex::new(BTreeMap::<String, Vec<i64>>::new())), Arc::new(AtomicUsize::new(0)));
    let most = Arc::new(AtomicUsize::new(0));
    let inner = (seen.clone(), at_once.clone(), most.clone());
    let failed = Arc::new(AtomicUsize::new(0));
    let consumer = Consumer::new("keyed", move |_, event: Event| {
        let ((seen, at_once, most), failed) = (inner.clone(), failed.clone());
        async move {
            most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The later an event, the sooner it is done.
            crate::kit::sleep(Duration::from_millis(1_000 - 10 * event.position.get().unsigned_abs())).await;
            at_once.fetch_sub(1, Ordering::SeqCst);
            if event.position.get() == 5 && failed.fetch_add(1, Ordering::SeqCst) < 3 {
                return Err(error("not yet"));
            }
            seen.lock().unwrap().entry(event.key().into_owned()).or_default().push(event.position.get());
            Ok(())
        }
    });
    let summary =
        client.log().consumer(consumer.ordered_by_key(8)).to_head().run(std::future::pending()).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert_eq!((summary.handled, seen.len(), most.load(Ordering::SeqCst)), (30, 3, 3), "{seen:?}");
    for positions in seen.values() {
        assert!(positions.is_sorted() && positions.len() == 10, "{positions:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_cursor_moves_with_acks_whatever_their_order() {
    let client = with_events(4).await;
    let kept: Arc<Mutex<Vec<Delivery<Event>>>> = Arc::default();
    let (also, log) = (kept.clone(), client.log());
    let consumer = Consumer::manual("manual", move |_, delivery: Delivery<Event>| {
        also.lock().unwrap().push(delivery);
        async { Ok::<(), ConsumeError>(()) }
    });
    let running = crate::kit::spawn(async move {
        log.consumer(consumer).cursor(CursorWrites::Sync).run(std::future::pending()).await
    });
    settle().await;
    let delivered = kept.lock().unwrap().len();
    assert_eq!((delivered, position(&client, "manual").await), (4, 0));
    let take = |at: i64| {
        let mut kept = kept.lock().unwrap();
        let index = kept.iter().position(|delivery| delivery.position.get() == at).unwrap();
        kept.remove(index)
    };
    take(2).ack();
    settle().await;
    assert_eq!(position(&client, "manual").await, 0);
    take(1).ack();
    settle().await;
    assert_eq!(position(&client, "manual").await, 2);
    take(4).ack_up_to();
    settle().await;
    assert_eq!(position(&client, "manual").await, 4);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_dropped_is_delivered_again() {
    let client = with_events(2).await;
    let seen = Seen::new();
    let also = seen.clone();
    let consumer = Consumer::manual("manual", move |cx: delta::ConsumeContext, delivery: Delivery<Event>| {
        also.note(delivery.event());
        if cx.attempt() > 1 || delivery.position.get() == 2 {
            delivery.ack();
        }
        async { Ok::<(), ConsumeError>(()) }
    });
    let summary = client.log().consumer(consumer).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((seen.all(), summary.handled, summary.failed_attempts), (vec![1, 1, 2], 2, 1));
    assert_eq!(position(&client, "manual").await, 2);
}

#[tokio::test(start_paused = true)]
async fn best_effort_with_order_by_key_passes_what_fails_over() {
    let client = with_events(6).await;
    let seen = Seen::new();
    let also = seen.clone();
    let consumer = Consumer::new("keyed", move |_, event: Event| {
        let seen = also.clone();
        async move {
            if event.position.get() % 2 == 0 {
                return Err(error("never"));
            }
            seen.note(&event);
            Ok(())
        }
    });
    let consumer = consumer.ordered_by_key(4).give_up_after(2, GiveUp::BestEffort);
    let summary = client.log().consumer(consumer).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((summary.handled, summary.given_up, summary.failed_attempts), (3, 3, 6));
    let standing = standing(&client, "keyed").await.unwrap();
    assert_eq!((standing.position.unwrap().get(), standing.data.attempts.len()), (6, 0));
}

#[tokio::test(start_paused = true)]
async fn a_recover_function_swallows_replaces_or_passes_an_error() {
    let client = with_events(3).await;
    let consumer = || Consumer::new("mailer", |_, event: Event| async move { Err::<(), _>(error(event.position)) });
    let swallowing = consumer().recover(|event, error| match event.position.get() {
        1 => Recovered::Swallow,
        2 => Recovered::Replace(ConsumeError::new("replaced")),
        _ => Recovered::Pass(error),
    });
    let failure = client.log().consumer(swallowing).to_head().run_once().await.unwrap_err();
    assert!(failure.to_string().ends_with("replaced"), "{failure}");
    assert_eq!(position(&client, "mailer").await, 1);
    let passing = consumer().recover(|event, error| match event.position.get() {
        2 => Recovered::Swallow,
        _ => Recovered::Pass(error),
    });
    let failure = client.log().consumer(passing).to_head().run_once().await.unwrap_err();
    assert!(failure.to_string().ends_with('3'), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_filter_is_one_of_the_event() {
    let client = with_events(3).await;
    let seen = Seen::new();
    let filtered = || {
        seen.consumer("mailer").filter_with(|event| match event.position.get() {
            2 => Err(error("unreadable")),
            _ => Ok(true),
        })
    };
    let failure = client.log().consumer(filtered()).to_head().run_once().await.unwrap_err();
    assert!(failure.to_string().contains("unreadable"), "{failure}");
    assert_eq!((seen.all(), position(&client, "mailer").await), (vec![1], 1));
    let giving_up = filtered().give_up_after(2, GiveUp::BestEffort);
    client.log().consumer(giving_up).to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_to_be_skipped_is_passed_over() {
    let client = with_events(3).await;
    let failing = Consumer::new("mailer", |_, _: Event| async { Err::<(), _>(error("no")) });
    client.log().consumer(failing).to_head().run_once().await.unwrap_err();
    crate::kit::by_hand(&client, "mailer", |cursor| {
        let mut standing = delta::core::plan::consume::Standing::of(&cursor).unwrap().unwrap();
        standing.skip(delta::Position::new(1));
        standing.into_cursor(cursor)
    })
    .await;
    let seen = Seen::new();
    let summary = client.log().consumer(seen.consumer("mailer")).to_head().run_once().await.unwrap();
    assert_eq!((seen.all(), summary.skipped), (vec![2, 3], 1));
}
