use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::HeadCache;
use futures::{FutureExt as _, StreamExt as _};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

use crate::kit::*;
use crate::recorder::Recorder;

async fn reported_within_a_second(cache: HeadCache) {
    let recorder = Recorder::default();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table().cache(cache)).await;
    let mut events = all(&log.log());
    append(&store, &log, "a").await;
    assert_eq!(take(&mut events, 1).await, [1]);

    let mut tx = store.begin().await.unwrap();
    let wake = log.insert(&mut tx, "held", 1).await.unwrap();
    append(&store, &log, "behind").await;
    let waits = spawn(async move {
        let taken = take(&mut events, 2).await;
        (events, taken)
    });
    pass(Duration::from_millis(990)).await;
    assert_eq!(recorder.named("delta_log_held_back")["delta_log_held_back{user_events}"], "2.0");
    let held = recorder.named("delta_log_held_seconds");
    let holders = log.log().why_stalled().await.unwrap();
    assert_eq!(held.len(), 1);
    let age = &*held[&format!("delta_log_held_seconds{{user_events,{}}}", holders[0].session)];
    assert!(["0.5", "0.8", "1.0"].contains(&age), "{held:?}");

    tx.commit().await.unwrap();
    // Not told: whoever looks that often needs no wake-up.
    drop(wake);
    let ((mut events, taken), time) = took(async { waits.await.unwrap() }).await;
    assert_eq!(taken, [2, 3]);
    assert!(time <= Duration::from_millis(250), "{time:?}");
    assert!(events.next().now_or_never().is_none());
    pass(SECOND).await;
    assert_eq!(recorder.named("delta_log_held_back")["delta_log_held_back{user_events}"], "0.0");
    assert!(recorder.named("delta_log_held_seconds").values().all(|age| age == "0.0"));
    assert_eq!(log.log().why_stalled().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn who_holds_the_log_back_is_in_the_metrics_within_a_second_and_gone_afterwards() {
    reported_within_a_second(HeadCache::default()).await;
}

#[tokio::test(start_paused = true)]
async fn who_holds_the_log_back_is_in_the_metrics_without_a_shared_head_too() {
    reported_within_a_second(HeadCache::Off).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_is_taken_back_when_nobody_reads_any_more() {
    let recorder = Recorder::default();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let store = store();
    let client = patient(&store);
    let mut events = all(&client.log());
    let mut tx = store.begin().await.unwrap();
    let (_, wake) = client.inform_in(&mut tx, item("held")).await.unwrap();
    assert!(events.next().now_or_never().is_none());
    pass(SECOND).await;
    assert_eq!(recorder.named("delta_log_held_back")["delta_log_held_back{delta}"], "1.0");
    drop(events);
    pass(SECOND).await;
    assert_eq!(recorder.named("delta_log_held_back")["delta_log_held_back{delta}"], "0.0");
    assert!(recorder.named("delta_log_held_seconds").values().all(|age| age == "0.0"));
    tx.commit().await.unwrap();
    wake.send();
}

/// Collects warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0.lock().unwrap().push(text);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn a_warning_names_the_holder_once_and_no_transaction_that_is_quickly_over() {
    let warnings = Warnings::default();
    let _logging = tracing::subscriber::set_default(warnings.clone());
    let store = store();
    let client = patient(&store);
    let mut events = all(&client.log());
    let waits = spawn(async move { take(&mut events, 12).await });
    pass(SECOND).await;
    for number in 0..10 {
        let mut tx = store.begin().await.unwrap();
        let (_, wake) = client.inform_in(&mut tx, item(format!("quick-{number}"))).await.unwrap();
        client.inform(item(format!("other-{number}"))).await.unwrap();
        pass(Duration::from_millis(300)).await;
        tx.rollback().await;
        drop(wake);
        pass(Duration::from_millis(300)).await;
    }
    assert_eq!(*warnings.0.lock().unwrap(), Vec::<String>::new());
    let mut tx = store.begin().await.unwrap();
    let (_, wake) = client.inform_in(&mut tx, item("long")).await.unwrap();
    client.inform(item("behind")).await.unwrap();
    pass(SECOND).await;
    let holder = client.log().why_stalled().await.unwrap().remove(0);
    pass(10 * SECOND).await;
    let warned = warnings.0.lock().unwrap().clone();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains(&format!("session={:?}", holder.session)), "{warned:?}");
    assert!(warned[0].contains("log=delta"), "{warned:?}");
    tx.commit().await.unwrap();
    wake.send();
    waits.await.unwrap();
}
