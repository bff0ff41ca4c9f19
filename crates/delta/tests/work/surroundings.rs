//! What surrounds an attempt: its context, layers, rates, events.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{
    Access, Changeset, Cursor, IMPORT_CURSOR, Owner, RateLimit, Resource as Row, Store as _, Subject, Timestamp,
};
use delta::{
    Action, ErrorKind, EventKind, InformOptions, Layer, MaxAttempts, MemoryStore, Next, Notice, ObjectSettings, State,
    WorkContext, WorkError,
};
use futures::future::BoxFuture;

use crate::support::{
    Fake, Metrics, builder, item, key, kind_settings, now, settings, store, until_count, until_state,
};

const SECOND: Duration = Duration::from_secs(1);

fn synced() -> Fake {
    Fake::new(|_, _| async { Ok(Action::Synced) })
}

#[tokio::test(start_paused = true)]
async fn attempts_begin_at_their_rate() {
    kind_settings(ObjectSettings::new().rate_limit(RateLimit { per_second: 2, burst: 4 }));
    let starts = Arc::new(Mutex::new(Vec::new()));
    let noted = starts.clone();
    let worker = Fake::new(move |_, _| {
        noted.lock().unwrap().push(now());
        async { Ok(Action::Synced) }
    });
    let client = builder(&store(), worker).build().unwrap();
    client.inform_many((0..200).map(|n| item(n, n))).await.unwrap();
    let running = client.start().await.unwrap();
    until_count(&client, State::Synced, 200).await;
    let starts = starts.lock().unwrap().clone();
    let took = *starts.last().unwrap() - starts[0];
    assert!((98 * SECOND..99 * SECOND).contains(&took), "{took:?}");
    for window in starts.windows(7) {
        assert!(window[6] - window[0] >= SECOND, "7 within {:?}", window[6] - window[0]);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_is_the_same_for_all_attempts_of_a_generation() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let noted = keys.clone();
    let worker = Fake::new(move |cx, item| {
        noted.lock().unwrap().push((item.row().generation, cx.attempt(), cx.idempotency_key().to_owned()));
        async move { if cx.attempt() < 3 { Err(WorkError::retry("no")) } else { Ok(Action::Synced) } }
    });
    let client = builder(&store(), worker).build().unwrap();
    let running = client.start().await.unwrap();
    for value in [1, 2] {
        client.inform(&item("a", value)).await.unwrap();
        until_state(&client, &key("a"), State::Synced).await;
    }
    let keys = keys.lock().unwrap().clone();
    let attempts: Vec<_> = keys.iter().map(|(generation, attempt, _)| (*generation, *attempt)).collect();
    assert_eq!(attempts, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]);
    let of = |generation| keys.iter().filter(move |key| key.0 == generation).map(|key| &key.2).collect::<BTreeSet<_>>();
    assert_eq!((of(1).len(), of(2).len(), of(1).is_disjoint(&of(2))), (1, 1, true));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_informs_other_objects_through_its_client() {
    let worker = Fake::new(|cx, found| async move {
        assert!(cx.client_of::<MemoryStore>().is_some() && cx.client_of::<()>().is_none());
        if found.object.value > 0 {
            cx.client().inform(&item(found.object.value, found.object.value - 1)).await?;
        }
        Ok(Action::Synced)
    });
    let client = builder(&store(), worker).build().unwrap();
    let running = client.start().await.unwrap();
    let start = now();
    client.inform(&item("first", 20)).await.unwrap();
    until_count(&client, State::Synced, 21).await;
    assert!(now() - start < SECOND, "{:?}", now() - start);
    running.stop().await;
}

/// Writes down what it sees, and may answer in the worker's place.
struct Recorder {
    name: &'static str,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Layer for Recorder {
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a Row,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Action, WorkError>> {
        Box::pin(async move {
            self.seen.lock().unwrap().push(format!("{} before {}", self.name, row.key.object_id));
            if row.key.object_id.as_str() == "refused" {
                return Err(WorkError::permanent("refused by a layer"));
            }
            let answer = next.work(cx, row).await;
            self.seen.lock().unwrap().push(format!("{} after {answer:?}", self.name));
            answer
        })
    }
}

#[tokio::test(start_paused = true)]
async fn layers_wrap_attempts_the_first_outermost() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let layer = |name| Recorder { name, seen: seen.clone() };
    let client = builder(&store(), synced()).layer(layer("outer")).layer(layer("inner")).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    until_state(&client, &key("a"), State::Synced).await;
    let expected =
        ["outer before a", "inner before a", "inner after Ok(Synced)", "outer after Ok(Synced)"].map(ToOwned::to_owned);
    assert_eq!(*seen.lock().unwrap(), expected);
    client.inform(&item("refused", 1)).await.unwrap();
    let row = until_state(&client, &key("refused"), State::Degraded).await;
    assert_eq!(row.detail.unwrap().errors[0].message, "refused by a layer");
    running.stop().await;
}

/// Gives the worker another row than the one that was claimed.
struct Substitute;

impl Layer for Substitute {
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a Row,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Action, WorkError>> {
        Box::pin(async move {
            let mut row = row.clone();
            row.detail.as_mut().unwrap().object = r#"{"id":"a","value":99}"#.into();
            next.work(cx, &row).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_give_the_worker_another_object() {
    let worker = Fake::new(|_, item| async move { Err(WorkError::permanent(item.object.value.to_string())) });
    let client = builder(&store(), worker).layer(Substitute).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Degraded).await;
    assert_eq!(row.detail.unwrap().errors[0].message, "99");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_sees_the_attempts_and_what_it_missed() {
    let client = builder(&store(), synced()).settings(settings().subscription_capacity(3)).build().unwrap();
    let running = client.start().await.unwrap();
    let mut events = client.subscribe([EventKind::Synced]);
    let mut failures = client.subscribe([EventKind::Failed]);
    client.inform(&item("a", 1)).await.unwrap();
    let Some(Notice::Event(event)) = events.recv().await else { panic!("expected an event") };
    assert!(matches!(&event.subject, Subject::Resource { key: found, state: State::Synced, .. } if *found == key("a")));
    client.inform_many((0..10).map(|n| item(n, n))).await.unwrap();
    until_count(&client, State::Synced, 11).await;
    for _ in 0..3 {
        assert!(matches!(events.recv().await, Some(Notice::Event(_))));
    }
    assert_eq!(events.recv().await, Some(Notice::Lagged(7)));
    running.stop().await;
    drop(client);
    assert_eq!(failures.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted_by_their_outcome() {
    let metrics = Metrics::record();
    let worker = Fake::new(|_, item| async move {
        match item.object.value {
            0 => Err(WorkError::permanent("no")),
            1 => panic!("no"),
            _ => Ok(Action::Synced),
        }
    });
    kind_settings(ObjectSettings::new().inform(InformOptions::new().max_attempts(MaxAttempts::Limited(1))));
    let client = builder(&store(), worker).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many((0..10).map(|n| item(n, n))).await.unwrap();
    until_count(&client, State::Synced, 8).await;
    until_count(&client, State::Degraded, 2).await;
    running.stop().await;
    let found = metrics.take();
    for (name, number) in [
        ("delta_informs_total created", 10.0),
        ("delta_attempts_total item synced", 8.0),
        ("delta_attempts_total item permanent", 1.0),
        ("delta_attempts_total item panicked", 1.0),
        ("delta_attempt_seconds item", 9.0),
        ("delta_in_flight", 0.0),
    ] {
        assert_eq!(found.get(name), Some(&number), "{name} of {found:#?}");
    }
    assert!(found["delta_round_seconds"] > 0.0);
}

#[tokio::test]
async fn a_client_does_not_start_on_a_database_that_is_being_filled() {
    let store = store();
    let put = async |cursor: Cursor| {
        let mut changes = Changeset::new(Timestamp::EPOCH);
        changes.cursors = vec![cursor.put()];
        let mut conn = store.acquire(Access::Write).await.unwrap();
        assert_eq!(store.commit(&mut conn, &changes).await.unwrap().lost_cursor, None);
    };
    put(Cursor { holder: Some(Owner::new(0)), ..Cursor::new(IMPORT_CURSOR) }).await;
    let client = builder(&store, synced()).build().unwrap();
    let error = client.start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("run `delta import` again"), "{error}");
    put(Cursor { version: 1, ..Cursor::new(IMPORT_CURSOR) }).await;
    client.start().await.unwrap().stop().await;
}
