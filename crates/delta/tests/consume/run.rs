//! The supervised run: leases, stand-by, back-off, stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use delta::{Consumer, CursorWrites, Event, Position};
use tokio_util::sync::CancellationToken;

use crate::kit::{HOUR, Seen, append, client, error, position, settle, standing, with_events};

#[tokio::test(start_paused = true)]
async fn a_failing_event_is_tried_again_until_it_is_handled_and_nothing_overtakes_it() {
    let client = with_events(3).await;
    let (seen, calls) = (Seen::new(), Arc::new(AtomicU32::new(0)));
    let (also, counted) = (seen.clone(), calls.clone());
    let consumer = Consumer::new("mailer", move |_, event: Event| {
        let (seen, calls) = (also.clone(), counted.clone());
        async move {
            if event.position.get() == 2 && calls.fetch_add(1, Ordering::SeqCst) < 4 {
                return Err(error("not yet"));
            }
            seen.note(&event);
            Ok(())
        }
    });
    let log = client.log();
    let summary = log.consumer(consumer).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((seen.all(), summary.failed_attempts), (vec![1, 2, 3], 4));
}

#[tokio::test(start_paused = true)]
async fn one_of_two_processes_works_and_the_other_takes_over() {
    let client = with_events(3).await;
    let other = self::client(client.store());
    let (first, second) = (Seen::new(), Seen::new());
    let stop = CancellationToken::new();
    let (log, also, stopped) = (client.log(), first.clone(), stop.clone());
    let running =
        crate::kit::spawn(async move { log.consumer(also.consumer("mailer")).run(stopped.cancelled()).await });
    first.wait(3).await;
    let (log, also) = (other.log(), second.clone());
    let standing_by =
        crate::kit::spawn(async move { log.consumer(also.consumer("mailer")).run(std::future::pending()).await });
    crate::kit::sleep(HOUR).await;
    append(&client, 4, 1).await;
    first.wait(4).await;
    assert_eq!(second.all(), [0; 0], "it stands by while the lease is renewed");
    stop.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!(summary.handled, 4);
    append(&client, 5, 1).await;
    second.wait(1).await;
    assert_eq!((first.all(), second.all()), (vec![1, 2, 3, 4], vec![5]));
    standing_by.abort();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_skipped_when_runs_are_dropped_at_any_point() {
    for writes in [CursorWrites::Sync, CursorWrites::default()] {
        let client = with_events(30).await;
        let seen = Seen::new();
        let mut polls = 0_u32;
        while position(&client, "mailer").await < 30 {
            polls += 1;
            let (log, also) = (client.log(), seen.clone());
            let consumer = Consumer::new("mailer", move |_, event: Event| {
                let seen = also.clone();
                async move {
                    tokio::task::yield_now().await;
                    seen.note(&event);
                    tokio::task::yield_now().await;
                    Ok::<(), std::io::Error>(())
                }
            });
            let mut run = Box::pin(log.consumer(consumer).cursor(writes).to_head().run_once());
            // Dropped after one wait more each time, and begun anew.
            for _ in 0..polls {
                if futures::poll!(&mut run).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(run);
            settle().await;
        }
        let mut handled = seen.all();
        let mut reached = 0;
        for position in &handled {
            assert!(*position <= reached + 1, "{position} was handled before {}", reached + 1);
            reached = reached.max(*position);
        }
        handled.sort_unstable();
        handled.dedup();
        assert_eq!(handled, (1..=30).collect::<Vec<i64>>(), "{writes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_attempt_is_not_a_failed_one() {
    // Regression: an attempt that a stop ended counted as the last one, and the cursor moved past its event.
    let client = with_events(2).await;
    let (begun, stop) = (Arc::new(tokio::sync::Notify::new()), CancellationToken::new());
    let told = begun.clone();
    let consumer = Consumer::new("mailer", move |cx: delta::ConsumeContext, _: Event| {
        let begun = told.clone();
        async move {
            begun.notify_one();
            cx.cancellation().cancelled().await;
            Err::<(), _>(error("cancelled"))
        }
    });
    let (log, stopped) = (client.log(), stop.clone());
    let consumer = consumer.give_up_after(1, delta::GiveUp::BestEffort);
    let running = crate::kit::spawn(async move { log.consumer(consumer).run(stopped.cancelled()).await });
    begun.notified().await;
    stop.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.failed_attempts, summary.given_up, summary.position), (0, 0, Some(Position::START)));
    let standing = standing(&client, "mailer").await.unwrap();
    assert_eq!((standing.position, standing.data.attempts.len()), (Some(Position::START), 0));
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_a_process_that_dies_is_taken_over_once_it_is_over() {
    let client = with_events(2).await;
    let other = self::client(client.store());
    let (dying, seen) = (Seen::new(), Seen::new());
    let mut run = Box::pin(other.log().consumer(dying.consumer("mailer")).run(std::future::pending()));
    while dying.all().len() < 2 {
        assert!(futures::poll!(&mut run).is_pending());
        tokio::task::yield_now().await;
    }
    // A process that is killed gives nothing back.
    std::mem::forget(run);
    let before = crate::kit::now();
    let summary = client.log().consumer(seen.consumer("mailer")).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((seen.all(), summary.handled), (vec![1, 2], 2), "the cursor was not written yet");
    let waited = before.elapsed();
    assert!((Duration::from_secs(14)..Duration::from_secs(21)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_handler_that_hangs_after_the_grace_time() {
    let client = with_events(1).await;
    let stop = CancellationToken::new();
    let begun = Arc::new(tokio::sync::Notify::new());
    let told = begun.clone();
    let consumer = Consumer::new("mailer", move |_, _: Event| {
        let begun = told.clone();
        async move {
            begun.notify_one();
            std::future::pending::<Result<(), std::io::Error>>().await
        }
    });
    let (log, stopped) = (client.log(), stop.clone());
    let running = crate::kit::spawn(async move { log.consumer(consumer).run(stopped.cancelled()).await });
    begun.notified().await;
    let before = crate::kit::now();
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert_eq!(position(&client, "mailer").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_lag_holds_each_event_until_it_is_old_enough() {
    let client = with_events(1).await;
    let seen = Seen::new();
    let (log, also) = (client.log(), seen.clone());
    let lag = Duration::from_secs(30);
    let running =
        crate::kit::spawn(
            async move { log.consumer(also.consumer("mailer")).lag(lag).run(std::future::pending()).await },
        );
    crate::kit::sleep(Duration::from_secs(29)).await;
    append(&client, 2, 1).await;
    assert_eq!(seen.all(), [0; 0]);
    crate::kit::sleep(Duration::from_secs(2)).await;
    assert_eq!(seen.all(), [1]);
    crate::kit::sleep(Duration::from_secs(29)).await;
    assert_eq!(seen.all(), [1, 2]);
    running.abort();
}
