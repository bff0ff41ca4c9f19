//! The bare loop: order, start, end, errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use delta::{ConsumeFailure, Consumer, ErrorKind, Event, GiveUp, Position};

use crate::kit::{Seen, append, by_hand, client, error, position, standing, with_events};

#[tokio::test(start_paused = true)]
async fn every_event_is_handled_once_in_order_and_the_cursor_is_behind_the_last() {
    let client = with_events(2_500).await;
    let seen = Seen::new();
    let summary = client.log().consumer(seen.consumer("mailer")).to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), (1..=2_500).collect::<Vec<i64>>());
    assert_eq!((summary.handled, summary.position), (2_500, Some(Position::new(2_500))));
    assert_eq!(position(&client, "mailer").await, 2_500);
    client.log().consumer(seen.consumer("mailer")).to_head().run_once().await.unwrap();
    assert_eq!(seen.all().len(), 2_500, "a second run has nothing to do");
}

#[tokio::test(start_paused = true)]
async fn the_first_error_ends_a_run_and_the_next_begins_with_the_event_that_failed() {
    let client = with_events(5).await;
    let seen = Seen::new();
    let failing = |at: i64| {
        let seen = seen.clone();
        Consumer::new("mailer", move |_, event: Event| {
            let seen = seen.clone();
            async move {
                if event.position.get() == at {
                    return Err(error("no"));
                }
                seen.note(&event);
                Ok(())
            }
        })
    };
    let failure = client.log().consumer(failing(3)).to_head().run_once().await.unwrap_err();
    let ConsumeFailure::Handler { position: at, attempts, error } = failure else { panic!("found {failure:?}") };
    assert_eq!((at, attempts, error.to_string()), (Position::new(3), 1, "no".to_owned()));
    assert_eq!(position(&client, "mailer").await, 2);
    client.log().consumer(failing(-1)).to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_of_the_event() {
    let client = with_events(1).await;
    let consumer = Consumer::new("mailer", |_, event: Event| async move {
        assert!(event.position.get() > 1, "boom");
        Ok::<(), std::io::Error>(())
    });
    let failure = client.log().consumer(consumer).to_head().run_once().await.unwrap_err();
    assert!(failure.to_string().contains("boom"), "{failure}");
    assert_eq!(position(&client, "mailer").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_without_a_cursor_begins_where_it_is_told() {
    let client = with_events(10).await;
    let seen = Seen::new();
    client.log().consumer(seen.consumer("a")).from_head().to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), [0; 0]);
    assert_eq!(position(&client, "a").await, 10, "the head is kept although nothing was handled");
    append(&client, 11, 1).await;
    client.log().consumer(seen.consumer("a")).from_head().to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), [11], "a stored cursor comes before the option");
    let seen = Seen::new();
    client.log().consumer(seen.consumer("b")).from_position(Position::new(8)).to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), [9, 10, 11]);
    let beyond = client.log().consumer(seen.consumer("c")).from_position(Position::new(12)).to_head();
    assert_eq!(beyond.run_once().await.unwrap_err().kind(), Some(ErrorKind::Invalid));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_begins_with_the_first_event_of_a_time() {
    let client = with_events(3).await;
    tokio::time::advance(std::time::Duration::from_mins(10)).await;
    append(&client, 4, 2_000).await;
    let page = client.log().page(Position::new(3), 1, &delta::EventFilter::default()).await.unwrap();
    let (seen, at) = (Seen::new(), page.events[0].at);
    client.log().consumer(seen.consumer("a")).from(at.into()).to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), (4..=2_003).collect::<Vec<i64>>());
    let (seen, later) = (Seen::new(), at + std::time::Duration::from_secs(9_999));
    client.log().consumer(seen.consumer("b")).from(later.into()).to_head().run_once().await.unwrap();
    assert_eq!((seen.all(), position(&client, "b").await), (vec![], 2_003));
    let (seen, long_ago) = (Seen::new(), delta::Timestamp::EPOCH);
    client.log().consumer(seen.consumer("c")).from(long_ago.into()).to_head().run_once().await.unwrap();
    assert_eq!(seen.all().len(), 2_003);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_call_is_not_waited_for() {
    let client = with_events(3).await;
    let seen = Seen::new();
    let inner = (client.clone(), seen.clone());
    let consumer = Consumer::new("mailer", move |_, event: Event| {
        let (client, seen) = inner.clone();
        async move {
            seen.note(&event);
            append(&client, 100 + usize::try_from(event.position.get()).unwrap(), 1).await;
            Ok::<(), std::io::Error>(())
        }
    });
    client.log().consumer(consumer).to_head().page_size(1).run_once().await.unwrap();
    assert_eq!(seen.all(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_counted_failure_survives_a_restart_and_leads_to_giving_up() {
    let client = with_events(2).await;
    let calls = Arc::new(AtomicU32::new(0));
    let consumer = || {
        let calls = calls.clone();
        Consumer::new("mailer", move |cx: delta::ConsumeContext, event: Event| {
            let calls = calls.clone();
            async move {
                if event.position.get() == 1 {
                    assert_eq!(cx.attempt(), calls.fetch_add(1, Ordering::SeqCst) + 1);
                    return Err(error("no"));
                }
                Ok(())
            }
        })
    };
    for attempt in 1..=2 {
        let failure = client.log().consumer(consumer()).to_head().run_once().await.unwrap_err();
        assert!(matches!(failure, ConsumeFailure::Handler { attempts, .. } if attempts == attempt), "{failure:?}");
        assert_eq!(standing(&client, "mailer").await.unwrap().attempts(Position::new(1)), attempt);
    }
    let given_up = consumer().give_up_after(3, GiveUp::BestEffort);
    let summary = client.log().consumer(given_up).to_head().run_once().await.unwrap();
    assert_eq!((summary.given_up, summary.handled, calls.load(Ordering::SeqCst)), (1, 1, 3));
    assert_eq!(standing(&client, "mailer").await.unwrap().data.attempts.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_cannot_be_is_refused_and_nothing_is_handled_or_moved() {
    let cases: [(&str, Option<&str>, &str); 6] = [
        ("-1", Some(r#"{"log":"delta"}"#), "position"),
        ("x", Some(r#"{"log":"delta"}"#), "position"),
        ("6", Some(r#"{"log":"delta"}"#), "at most 5, the end of the log"),
        ("2", Some(r#"{"log":"user_events"}"#), "expected delta, found user_events"),
        ("2", Some(r#"{"log":"delta","program":"billing"}"#), "found \"billing\""),
        ("2", Some(r#"{"log":"delta","shape":"sharded"}"#), "found sharded"),
    ];
    for (place, data, expected) in cases {
        let client = with_events(5).await;
        by_hand(&client, "mailer", |cursor| delta::core::Cursor {
            position: Some(place.to_owned()),
            data: data.map(str::to_owned),
            ..cursor
        })
        .await;
        let seen = Seen::new();
        let failure = client.log().consumer(seen.consumer("mailer")).to_head().run_once().await.unwrap_err();
        assert_eq!(failure.kind(), Some(ErrorKind::Invalid), "{failure}");
        assert!(failure.to_string().contains(expected), "{failure}");
        let supervised = client.log().consumer(seen.consumer("mailer")).run(std::future::pending()).await;
        assert_eq!(supervised.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(seen.all(), [0; 0]);
        let name = "consumer/delta/mailer";
        let cursor = crate::kit::cursor(&client, name).await.unwrap();
        assert_eq!((cursor.position.as_deref(), cursor.holder), (Some(place), None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_in_use_by_another_program_is_refused() {
    let client = with_events(1).await;
    let seen = Seen::new();
    let of = |program: &str| client.log().consumer(seen.consumer("mailer").program(program)).to_head().run_once();
    of("billing").await.unwrap();
    assert_eq!(of("shipping").await.unwrap_err().kind(), Some(ErrorKind::Invalid));
    of("billing").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_second_run_of_a_name_is_told_that_another_has_it() {
    let client = with_events(1).await;
    let other = self::client(client.store());
    let seen = Seen::new();
    let (log, also) = (client.log(), seen.clone());
    let running = crate::kit::spawn(async move { log.consumer(also.consumer("mailer")).run_once().await });
    seen.wait(1).await;
    for client in [&client, &other] {
        let failure = client.log().consumer(seen.consumer("mailer")).to_head().run_once().await.unwrap_err();
        assert_eq!(failure.kind(), Some(ErrorKind::Conflict));
    }
    running.abort();
    let _ = running.await;
    crate::kit::settle().await;
    other.log().consumer(seen.consumer("mailer")).to_head().run_once().await.unwrap();
    assert_eq!(seen.all(), [1], "a dropped run writes its cursor and gives its lease back");
}
