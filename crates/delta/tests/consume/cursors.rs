//! When and how the cursor moves.

use std::time::Duration;

use delta::{Consumer, CursorWrites, Event};
use tokio_util::sync::CancellationToken;

use crate::kit::{HOUR, Seen, append, by_hand, position, settle, with_events};

#[tokio::test(start_paused = true)]
async fn an_asynchronous_cursor_is_written_in_its_period_and_when_a_run_ends() {
    let client = with_events(3).await;
    let seen = Seen::new();
    let stop = CancellationToken::new();
    let (log, also, stopped) = (client.log(), seen.clone(), stop.clone());
    let running = crate::kit::spawn(async move {
        log.consumer(also.consumer("mailer"))
            .cursor(CursorWrites::Every(Duration::from_mins(1)))
            .lease(HOUR)
            .run(stopped.cancelled())
            .await
    });
    seen.wait(3).await;
    settle().await;
    assert_eq!(position(&client, "mailer").await, 0);
    crate::kit::sleep(Duration::from_secs(61)).await;
    assert_eq!(position(&client, "mailer").await, 3);
    append(&client, 4, 1).await;
    seen.wait(4).await;
    settle().await;
    assert_eq!(position(&client, "mailer").await, 3);
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(position(&client, "mailer").await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_synchronous_cursor_is_written_before_the_next_event_is_handled() {
    let client = with_events(20).await;
    let inner = client.clone();
    let consumer = Consumer::new("mailer", move |_, event: Event| {
        let client = inner.clone();
        async move {
            assert_eq!(position(&client, "mailer").await, event.position.get() - 1);
            Ok::<(), std::io::Error>(())
        }
    });
    let summary = client.log().consumer(consumer).cursor(CursorWrites::Sync).to_head().run_once().await.unwrap();
    assert_eq!(summary.handled, 20);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_moved_back_by_hand_while_the_consumer_runs_is_followed() {
    let client = with_events(5).await;
    let seen = Seen::new();
    let (log, also) = (client.log(), seen.clone());
    let running =
        crate::kit::spawn(async move { log.consumer(also.consumer("mailer")).run(std::future::pending()).await });
    seen.wait(5).await;
    crate::kit::sleep(Duration::from_secs(10)).await;
    assert_eq!(position(&client, "mailer").await, 5);
    by_hand(&client, "mailer", |cursor| delta::core::Cursor { position: Some("3".to_owned()), ..cursor }).await;
    seen.wait(7).await;
    assert_eq!(seen.all(), [1, 2, 3, 4, 5, 4, 5]);
    crate::kit::sleep(Duration::from_secs(10)).await;
    assert_eq!(position(&client, "mailer").await, 5);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_filtered_is_passed_by_the_cursor() {
    let client = with_events(50).await;
    let seen = Seen::new();
    let even = seen.consumer("even").filter_with(|event| Ok(event.position.get() % 2 == 0));
    let summary = client.log().consumer(even).to_head().run_once().await.unwrap();
    assert_eq!((summary.handled, summary.skipped), (25, 25));
    assert!(seen.all().iter().all(|position| position % 2 == 0));
    let none = seen.consumer("none").filter(delta::EventFilter::of_kinds([delta::EventKind::Purged]));
    let summary = client.log().consumer(none).to_head().run_once().await.unwrap();
    assert_eq!((summary.handled, position(&client, "none").await), (0, 50));
}
