use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use delta::{Awaited, Error, ErrorKind, EventFilter, EventKind, Position, Reason};

use crate::kit::{append, client, pass};

const SECOND: Duration = Duration::from_secs(1);

fn of(id: &str) -> EventFilter {
    EventFilter { object_id_prefix: Some(id.to_owned()), ..EventFilter::default() }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_first_is_returned() {
    let client = client();
    append(&client, [1]).await;
    let log = client.log();
    let wait = log.await_event(of("2"), SECOND, async || Ok(None::<()>));
    let (found, ()) = tokio::join!(wait, async {
        pass(10 * SECOND).await;
        append(&client, [1, 3, 2]).await;
    });
    let Awaited::Event(event) = found.unwrap() else { panic!("polled") };
    assert_eq!((event.position, event.kind), (Position::new(3), EventKind::Scheduled(Reason::Created)));
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_finds_something_first_is_returned() {
    let client = client();
    append(&client, [1]).await;
    let asked = AtomicUsize::new(0);
    let poll = async || {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        Ok((asked == 3).then_some("found"))
    };
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let start = tokio::time::Instant::now();
    let found = client.log().await_event(of("1"), 7 * SECOND, poll).await.unwrap();
    assert_eq!(found, Awaited::Polled("found"), "what was there before is no event that is waited for");
    assert_eq!((asked.load(Ordering::SeqCst), start.elapsed().as_secs()), (4, 21), "at once, and at each interval");
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_first_poll_looks_is_not_missed() {
    let client = client();
    append(&client, [1]).await;
    let log = client.log();
    let during = client.clone();
    let poll = async || {
        // It has looked, and does not see what happens now.
        append(&during, [2]).await;
        pending::<Result<Option<()>, Error>>().await
    };
    let found = log.await_event(of("2"), SECOND, poll).await.unwrap();
    assert!(matches!(found, Awaited::Event(event) if event.position == Position::new(2)));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_poll_ends_it_and_so_does_a_wrong_interval() {
    let client = client();
    let poll = async || Err::<Option<()>, _>(Error::new(ErrorKind::Unavailable, "poll", "the test said so"));
    let error = client.log().await_event(of("1"), SECOND, poll).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unavailable, "poll"));
    let none = async || Ok(None::<()>);
    let error = client.log().await_event(of("1"), Duration::ZERO, none).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_polls_no_more() {
    let client = client();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let poll = async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(None::<()>)
    };
    let log = client.log();
    let wait = log.await_event(of("1"), SECOND, poll);
    assert!(tokio::time::timeout(5 * SECOND + SECOND / 2, wait).await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 6);
    pass(10 * SECOND).await;
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}
