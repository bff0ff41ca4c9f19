//! User code that is never at rest: it lets others run only when tokio makes it, having used up what a task may do at a time.

use std::time::Duration;

use delta::{Action, ConsumeError, Consumer, Event, InformOptions, MaxAttempts, MemoryStore, ObjectSettings, State};
use tokio::sync::oneshot;
use tokio::task::consume_budget;

use crate::support::{
    Fake, Tally, builder, events_of, item, key, kind_settings, now, settings, store, until, until_state,
};

const SECOND: Duration = Duration::from_secs(1);

/// Longer than any of these tests waits; if nobody ends it, it ends by itself, and the test fails.
async fn be_busy() {
    let start = now();
    while now() - start < 8 * SECOND {
        consume_budget().await;
    }
}

fn busy(tally: &Tally) -> Fake {
    let tally = tally.clone();
    Fake::new(move |_, _| {
        let happening = tally.begin(["all".to_owned()]);
        async move {
            let _happening = happening;
            be_busy().await;
            Ok(Action::Synced)
        }
    })
}

// The clock is not paused: it would stand still while somebody is busy.
#[tokio::test]
async fn a_busy_worker_is_timed_out() {
    let once = InformOptions::new().max_attempts(MaxAttempts::Limited(1));
    kind_settings(ObjectSettings::new().work_timeout(SECOND / 10).inform(once));
    let client = builder(&store(), busy(&Tally::default())).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until("the attempt to end", async || {
        client.record(&key("a")).await.unwrap().filter(|row| !matches!(row.state, State::Scheduled | State::Pending))
    })
    .await;
    let errors = row.detail.unwrap().errors;
    assert_eq!((row.state, &*errors[0].message), (State::Degraded, "timed out after 100ms"));
    running.stop().await;
}

#[tokio::test]
async fn a_busy_worker_is_ended_by_a_stop() {
    kind_settings(ObjectSettings::new().work_timeout(None));
    let tally = Tally::default();
    let client = builder(&store(), busy(&tally)).settings(settings().grace(SECOND / 10)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    until("work to begin", async || (tally.running("all") == 1).then_some(())).await;
    running.stop().await;
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "scheduled(released)"]);
    until_state(&client, &key("a"), State::Scheduled).await;
}

#[tokio::test]
async fn a_busy_consumer_is_ended_by_its_shutdown() {
    let tally = Tally::default();
    let client = builder(&store(), busy(&tally)).build().unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let (begun, handled) = (tally.clone(), tally.clone());
    let consumer: Consumer<MemoryStore, Event> = Consumer::new("mailer", move |_, _| {
        let happening = begun.begin(["all".to_owned()]);
        async move {
            let _happening = happening;
            be_busy().await;
            Ok::<_, ConsumeError>(())
        }
    });
    let consumption = client.log().consumer(consumer).grace(SECOND / 10);
    let stops = async {
        until("it to begin", async || (handled.running("all") == 1).then_some(())).await;
        stop.send(()).unwrap();
    };
    let shutdown = async {
        let _ = stopped.await;
    };
    let (summary, ()) = tokio::join!(consumption.run(shutdown), stops);
    assert_eq!(summary.unwrap().handled, 0);
}
