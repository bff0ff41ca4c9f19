//! A stop burns no attempt and leaves nothing to the end of a lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use delta::core::{Depth, RateLimit};
use delta::{Action, AnyClient, ErrorKind, Filter, ListQuery, ObjectSettings, ResourceId, State};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};
use tokio::time::Instant;

use crate::support::{
    Fake, Tally, builder, events_of, item, key, kind_settings, now, pass, settings, store, until, until_state,
};

const SECOND: Duration = Duration::from_secs(1);

fn takes(tally: &Tally, time: Duration) -> Fake {
    let tally = tally.clone();
    Fake::new(move |_, _| {
        let happening = tally.begin(["all".to_owned()]);
        async move {
            let _happening = happening;
            pass(time).await;
            Ok(Action::Synced)
        }
    })
}

/// Every resource was either worked to its end, or never, and nobody holds it.
async fn assert_nothing_burnt(client: &AnyClient, number: usize) -> usize {
    let (filter, after) = (Filter::default(), ResourceId::default());
    let rows = client.list(&ListQuery { filter, after, limit: 10_000, depth: Depth::Head }).await.unwrap();
    assert_eq!(rows.len(), number);
    for row in &rows {
        match row.state {
            State::Synced => assert_eq!((row.attempt, row.error_count), (1, 0), "{}", row.key),
            State::Scheduled => assert_eq!((row.attempt, row.error_count), (0, 0), "{}", row.key),
            _ => panic!("{} is {:?}", row.key, row.state),
        }
        assert_eq!(row.lease, None, "{}", row.key);
    }
    rows.iter().filter(|row| row.state == State::Synced).count()
}

fn since(start: Instant) -> Duration {
    now() - start
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_runs_and_claims_nothing_more() {
    let tally = Tally::default();
    let client = builder(&store(), takes(&tally, 10 * SECOND)).build().unwrap();
    client.inform_many((0..50).map(|n| item(n, n))).await.unwrap();
    let running = client.start().await.unwrap();
    until("work to begin", async || (tally.running("all") == 10).then_some(())).await;
    let start = now();
    running.stop().await;
    assert!(since(start) <= 10 * SECOND, "{:?}", since(start));
    assert_eq!((assert_nothing_burnt(&client, 50).await, tally.total("all")), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn what_runs_longer_than_the_grace_time_is_cancelled_and_given_back() {
    let cancelled = Arc::new(AtomicBool::new(false));
    let noted = cancelled.clone();
    let hangs = Fake::new(move |cx, _| {
        let (token, noted) = (cx.cancellation().clone(), noted.clone());
        async move {
            struct Notes(tokio_util::sync::CancellationToken, Arc<AtomicBool>);
            impl Drop for Notes {
                fn drop(&mut self) {
                    let (token, noted) = (self.0.clone(), self.1.clone());
                    #[expect(clippy::disallowed_methods, reason = "what a worker may have spawned")]
                    tokio::spawn(async move {
                        token.cancelled().await;
                        noted.store(true, Ordering::SeqCst);
                    });
                }
            }
            let _notes = Notes(token, noted);
            std::future::pending().await
        }
    });
    let client = builder(&store(), hangs).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    until_state(&client, &key("a"), State::Pending).await;
    let start = now();
    running.stop().await;
    assert!((30 * SECOND..31 * SECOND).contains(&since(start)), "{:?}", since(start));
    assert_eq!(assert_nothing_burnt(&client, 1).await, 0);
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "scheduled(released)"]);
    until("the token to be cancelled", async || cancelled.load(Ordering::SeqCst).then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_under_load_leaves_everything_worked_or_free() {
    kind_settings(ObjectSettings::new().parallelism(100).work_timeout(None));
    let tally = Tally::default();
    let worker = {
        let tally = tally.clone();
        Fake::new(move |_, item| {
            let happening = tally.begin(["all".to_owned()]);
            async move {
                let _happening = happening;
                // Some of them longer than the grace time.
                pass(Duration::from_millis(u64::from(item.object.value % 50).pow(3))).await;
                Ok(Action::Synced)
            }
        })
    };
    let client = builder(&store(), worker).settings(settings().grace(5 * SECOND)).build().unwrap();
    client.inform_many((0..2_000).map(|n| item(n, n))).await.unwrap();
    let running = client.start().await.unwrap();
    until("a third to be worked", async || (tally.total("all") > 700).then_some(())).await;
    let start = now();
    running.stop().await;
    assert!(since(start) < 6 * SECOND, "{:?}", since(start));
    let synced = assert_nothing_burnt(&client, 2_000).await;
    assert!((400..2_000).contains(&synced), "{synced}");
    assert_eq!(tally.running("all"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_claim_brings_after_the_stop_is_given_back() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, takes(&tally, SECOND)).build().unwrap();
    client.inform_many((0..10).map(|n| item(n, n))).await.unwrap();
    plan.inject(Operation::Claim, Calls::Nth(1), Fault::Delay(2 * SECOND));
    let running = client.start().await.unwrap();
    until("the claim to be sent", async || (plan.hits() == 1).then_some(())).await;
    running.stop().await;
    assert_eq!((assert_nothing_burnt(&client, 10).await, tally.total("all")), (0, 0));
    assert_eq!(events_of(&client, &key(0)).await, ["scheduled(created)", "scheduled(released)"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_settles_though_the_store_fails_for_a_while() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, takes(&tally, 10 * SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many((0..10).map(|n| item(n, n))).await.unwrap();
    until("work to begin", async || (tally.running("all") == 10).then_some(())).await;
    plan.inject(Operation::Claim, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
    plan.inject(Operation::Acquire, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
    let recovery = async {
        pass(20 * SECOND).await;
        assert!(plan.hits() > 5);
        plan.clear();
    };
    tokio::join!(running.stop(), recovery);
    assert_eq!(assert_nothing_burnt(&client, 10).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_though_the_store_never_answers() {
    for fault in [Fault::Fail(ErrorKind::Unavailable), Fault::Fail(ErrorKind::Corrupt), Fault::Delay(3600 * SECOND)] {
        let (plan, tally) = (FaultPlan::new(), Tally::default());
        let store = FaultStore::new(store(), plan.clone());
        let client = builder(&store, takes(&tally, SECOND)).build().unwrap();
        let running = client.start().await.unwrap();
        client.inform(&item("a", 1)).await.unwrap();
        until("work to begin", async || (tally.running("all") == 1).then_some(())).await;
        for operation in Operation::ALL {
            plan.inject(operation, Calls::From(1), fault);
        }
        let start = now();
        running.stop().await;
        assert!(since(start) < 41 * SECOND, "{:?} with {fault:?}", since(start));
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_stops_the_client() {
    let tally = Tally::default();
    let client = builder(&store(), takes(&tally, SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many((0..30).map(|n| item(n, n))).await.unwrap();
    until("work to begin", async || (tally.running("all") == 10).then_some(())).await;
    drop(running);
    pass(2 * SECOND).await;
    assert_eq!((assert_nothing_burnt(&client, 30).await, tally.total("all")), (10, 10));
    // It may be started again.
    let running = client.start().await.unwrap();
    until("the rest to be worked", async || (tally.total("all") == 30).then_some(())).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_rate_is_given_back_at_once() {
    let limited = ObjectSettings::new().parallelism(20).rate_limit(RateLimit { per_second: 1, burst: 5 });
    kind_settings(limited);
    let tally = Tally::default();
    let client = builder(&store(), takes(&tally, SECOND / 100)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many((0..20).map(|n| item(n, n))).await.unwrap();
    until("some work", async || (tally.total("all") == 6).then_some(())).await;
    let start = now();
    running.stop().await;
    assert!(since(start) < SECOND, "{:?}", since(start));
    assert_eq!((assert_nothing_burnt(&client, 20).await, tally.total("all")), (6, 6));
}

#[tokio::test(start_paused = true)]
async fn another_client_takes_over_at_once_what_a_stop_gives_back() {
    let (store, hanging, working) = (store(), Tally::default(), Tally::default());
    let poll_never = || settings().poll_interval(600 * SECOND);
    let hangs = takes(&hanging, 3600 * SECOND);
    let first = builder(&store, hangs).settings(poll_never().grace(SECOND)).build().unwrap();
    let first_running = first.start().await.unwrap();
    first.inform(&item("a", 1)).await.unwrap();
    until("work to begin", async || (hanging.running("all") == 1).then_some(())).await;
    let second = builder(&store, takes(&working, SECOND)).settings(poll_never().seed(8)).build().unwrap();
    let second_running = second.start().await.unwrap();
    first_running.stop().await;
    let start = now();
    until_state(&second, &key("a"), State::Synced).await;
    assert!(since(start) < 2 * SECOND, "{:?}", since(start));
    second_running.stop().await;
}
