//! A store that fails, and what is told of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use delta::core::{Access, EventFilter, LogStore as _, Store as _};
use delta::{
    Client, ConsumeError, Consumer, CursorWrites, ErrorKind, Event, GiveUp, MemoryStore, Position, Trim, TrimPast,
};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::kit::{Item, Seen, append, error, position, store, with_events};

#[tokio::test(start_paused = true)]
async fn whatever_call_of_the_store_fails_or_loses_its_answer_no_event_is_skipped() {
    // Regression: a flush that failed threw away what it was to write.
    let faults = [Fault::Fail(ErrorKind::Unavailable), Fault::LoseAnswer, Fault::Drop { polls: 1 }];
    let operations = [Operation::Commit, Operation::Cursors, Operation::Events, Operation::Acquire, Operation::Now];
    for fault in faults {
        for operation in operations {
            for call in 1..=6 {
                let inner = store();
                let plan = FaultPlan::new();
                let client = Client::builder(FaultStore::new(inner.clone(), plan.clone())).build().unwrap();
                let direct = crate::kit::client(&inner);
                append(&direct, 1, 20).await;
                plan.inject(operation, Calls::Nth(call), fault);
                let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
                let also = seen.clone();
                let consumer = Consumer::new("mailer", move |_, event: Event| {
                    also.lock().unwrap().push(event.position.get());
                    async { Ok::<(), ConsumeError>(()) }
                });
                let run = client.log().consumer(consumer).cursor(CursorWrites::Sync).page_size(7).to_head();
                run.run(std::future::pending())
                    .await
                    .unwrap_or_else(|error| panic!("{fault:?} {operation:?}: {error}"));
                let mut handled = seen.lock().unwrap().clone();
                let mut reached = 0;
                for position in &handled {
                    assert!(*position <= reached + 1, "{fault:?} {operation:?} {call}: {handled:?}");
                    reached = reached.max(*position);
                }
                handled.dedup();
                assert_eq!(reached, 20, "{fault:?} {operation:?} {call}");
                assert_eq!(position(&direct, "mailer").await, 20, "{fault:?} {operation:?} {call}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_write_the_cursor_says_so() {
    let inner = store();
    let plan = FaultPlan::new();
    let client = Client::builder(FaultStore::new(inner.clone(), plan.clone())).build().unwrap();
    append(&crate::kit::client(&inner), 1, 3).await;
    let broken = plan.clone();
    let consumer = Consumer::new("mailer", move |_, event: Event| {
        if event.position.get() == 3 {
            broken.inject(Operation::Commit, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
        }
        async { Ok::<(), ConsumeError>(()) }
    });
    let failure = client.log().consumer(consumer).to_head().run_once().await.unwrap_err();
    assert_eq!(failure.kind(), Some(ErrorKind::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn the_head_is_not_claimed_while_an_earlier_event_is_held_back() {
    // Regression: a run to the head ended at a gap although later events were there.
    let client = with_events(2).await;
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.begin_tx(&mut conn).await.unwrap();
    let (_, _wake) = client.inform_in(&mut conn, &Item { id: "held".to_owned() }).await.unwrap();
    append(&client, 4, 2).await;
    let seen = Seen::new();
    let (log, consumer) = (client.log(), seen.consumer("mailer"));
    let running = crate::kit::spawn(async move { log.consumer(consumer).to_head().run_once().await });
    crate::kit::sleep(Duration::from_mins(1)).await;
    assert_eq!((seen.all(), running.is_finished()), (vec![1, 2], false));
    store.commit_tx(&mut conn).await.unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(seen.all(), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_trimmed_beyond_the_cursor_ends_the_run_with_an_error() {
    let client = with_events(10).await;
    let seen = Seen::new();
    client.log().consumer(seen.consumer("mailer")).from_position(Position::new(3)).to_head().run_once().await.unwrap();
    crate::kit::by_hand(&client, "mailer", |cursor| delta::core::Cursor { position: Some("3".to_owned()), ..cursor })
        .await;
    let mut conn = client.store().acquire(Access::Write).await.unwrap();
    client.store().trim(&mut conn, Position::new(6), 100).await.unwrap();
    drop(conn);
    let seen = Seen::new();
    // Another process, whose head does not hold what was trimmed.
    let client = crate::kit::client(client.store());
    let failed = client.log().consumer(seen.consumer("mailer")).run(std::future::pending()).await.unwrap_err();
    assert_eq!((failed.kind(), seen.all()), (ErrorKind::CursorTooOld, vec![]));
    assert_eq!(position(&client, "mailer").await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_sharded_transactional_consumer_has_each_effect_once_and_keeps_what_it_gives_up_on() {
    let client = with_events(40).await;
    let (inner, failures) = (client.clone(), Arc::new(AtomicU32::new(0)));
    let counted = failures.clone();
    let consumer =
        Consumer::transactional("ledger", move |conn: &mut <MemoryStore as delta::Store>::Conn, event: &Event| {
            let (client, failures) = (inner.clone(), counted.clone());
            Box::pin(async move {
                let copy = Item { id: format!("copy-{}", event.position) };
                let (_, _wake) = client.inform_in(conn, &copy).await?;
                if event.position.get() % 10 == 0 {
                    failures.fetch_add(1, Ordering::SeqCst);
                    return Err(error("after the write"));
                }
                Ok(())
            })
        });
    let consumer = consumer
        .sharded(delta::ShardBy::Key)
        .filter_with(|event| Ok(event.position.get() <= 40))
        .give_up_after(3, GiveUp::DeadLetter);
    let summary = client.log().consumer(consumer).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((summary.handled, summary.dead_lettered, failures.load(Ordering::SeqCst)), (36, 4, 12));
    let copies = EventFilter { object_id_prefix: Some("copy-".to_owned()), ..EventFilter::default() };
    let found = client.log().page(Position::START, 1_000, &copies).await.unwrap().events;
    assert_eq!(found.len(), 36, "what was rolled back is not there");
    assert_eq!(client.log().dead_letters("ledger").list(None, 0, 10).await.unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_run_tells_how_far_it_is_and_what_came_of_events() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let client = with_events(6).await;
    let consumer = Consumer::new("mailer", |_, event: Event| async move {
        match event.position.get() {
            3 => Err(error("no")),
            6 => std::future::pending().await,
            _ => Ok(()),
        }
    });
    let consumer = consumer.filter_with(|event| Ok(event.position.get() != 2)).give_up_after(2, GiveUp::DeadLetter);
    let mut run = Box::pin(client.log().consumer(consumer).run(std::future::pending()));
    let ran = tokio::time::timeout(Duration::from_hours(1), &mut run).await;
    assert!(ran.is_err());
    let all = snapshotter.snapshot().into_vec();
    let value = |name: &str| {
        let (key, _, _, value) =
            all.iter().find(|(key, ..)| key.key().name() == name).unwrap_or_else(|| panic!("{name}"));
        let labels: Vec<_> = key.key().labels().map(|label| (label.key(), label.value())).collect();
        assert_eq!(labels, [("consumer", "mailer"), ("log", "delta")]);
        match value {
            DebugValue::Counter(count) => f64::from(u32::try_from(*count).unwrap()),
            DebugValue::Gauge(gauge) => gauge.into_inner(),
            DebugValue::Histogram(values) => f64::from(u32::try_from(values.len()).unwrap()),
        }
    };
    assert_eq!(value("delta_consumer_events_total").to_string(), "3");
    assert_eq!(value("delta_consumer_errors_total").to_string(), "2");
    assert_eq!(value("delta_consumer_skipped_total").to_string(), "1");
    assert_eq!(value("delta_consumer_dead_lettered_total").to_string(), "1");
    assert_eq!(value("delta_consumer_lag_events").to_string(), "1");
    assert!(value("delta_consumer_lag_seconds") > 3_500.0);
    assert_eq!(value("delta_consumer_lag_alert").to_string(), "1");
    assert_eq!(value("delta_consumer_active").to_string(), "1");
    assert_eq!(value("delta_consumer_event_age_seconds").to_string(), "6", "one for each attempt");
    assert_eq!(value("delta_consumer_latency_seconds").to_string(), "5");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_was_stored_at_the_start_is_told_that_the_log_was_trimmed() {
    for sharded in [false, true] {
        let client = with_events(10).await;
        let seen = Seen::new();
        let consumer = |name: &str, seen: &Seen| match (sharded, seen.consumer(name)) {
            (true, consumer) => consumer.sharded(delta::ShardBy::Key),
            (false, consumer) => consumer,
        };
        let failing = Consumer::new("mailer", |_, _: Event| async { Err::<(), _>(error("no")) });
        let failing = if sharded { failing.sharded(delta::ShardBy::Key) } else { failing };
        client.log().consumer(failing).to_head().run_once().await.unwrap_err();
        client.log().trim(Trim::up_to(Position::new(6))).past(TrimPast::Consumers).run().await.unwrap();
        let client = crate::kit::client(client.store());
        let failed = client.log().consumer(consumer("mailer", &seen)).to_head().run_once().await.unwrap_err();
        assert_eq!((failed.kind(), seen.all()), (Some(ErrorKind::CursorTooOld), vec![]));
        let text = failed.to_string();
        assert!(text.contains("at or after 6") && text.contains("found 0"), "{text}");
        let failed = client.log().consumer(consumer("mailer", &seen)).run(std::future::pending()).await.unwrap_err();
        assert_eq!((failed.kind(), seen.all()), (ErrorKind::CursorTooOld, vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_consumer_of_a_trimmed_log_begins_where_that_begins_and_may_fail_and_come_back() {
    for sharded in [false, true] {
        let client = with_events(10).await;
        client.log().trim(Trim::up_to(Position::new(6))).past(TrimPast::Consumers).run().await.unwrap();
        let shard = |consumer: crate::kit::Mail| if sharded { consumer.sharded(delta::ShardBy::Key) } else { consumer };
        let failing = Consumer::new("mailer", |_, _: Event| async { Err::<(), _>(error("no")) });
        client.log().consumer(shard(failing)).to_head().run_once().await.unwrap_err();
        let seen = Seen::new();
        client.log().consumer(shard(seen.consumer("mailer"))).to_head().run_once().await.unwrap();
        let mut handled = seen.all();
        handled.sort_unstable();
        assert_eq!(handled, [7, 8, 9, 10]);
    }
}

/// How often a run is polled within an hour in which its handlers do not return, and events come.
async fn polls_while_a_transaction_runs(sharded: bool) -> u32 {
    let client = with_events(4).await;
    let consumer = Consumer::transactional("ledger", |_: &mut <MemoryStore as delta::Store>::Conn, event: &Event| {
        let slow = event.position.get() > 1;
        Box::pin(async move {
            if slow {
                crate::kit::sleep(Duration::from_hours(2)).await;
            }
            Ok(())
        })
    });
    let consumer = if sharded { consumer.sharded(delta::ShardBy::Key) } else { consumer };
    let mut run = Box::pin(client.log().consumer(consumer).run(std::future::pending()));
    let mut polls = 0;
    let counted = std::future::poll_fn(|cx| {
        polls += 1;
        assert!(polls < 100_000, "it never waits");
        run.as_mut().poll(cx)
    });
    let ran = tokio::time::timeout(Duration::from_hours(1), counted).await;
    assert!(ran.is_err());
    polls
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_while_its_cursor_is_in_a_transaction() {
    for sharded in [false, true] {
        let polls = polls_while_a_transaction_runs(sharded).await;
        assert!(polls < 5_000, "{polls} polls in an hour");
    }
}
