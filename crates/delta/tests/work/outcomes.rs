//! What each answer of a worker makes of a resource.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use delta::core::Timestamp;
use delta::{Action, InformOptions, MaxAttempts, ObjectSettings, State, WorkError};

use crate::support::{Fake, builder, events_of, item, key, kind_settings, store, until, until_state};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_informed_object_is_worked_and_synced() {
    let client = builder(&store(), Fake::new(|_, _| async { Ok(Action::Synced) })).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    assert_eq!((row.generation, row.synced_generation, row.attempt, row.lease), (1, 1, 1, None));
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "synced"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_informed_before_the_start_is_worked() {
    let client = builder(&store(), Fake::new(|_, _| async { Ok(Action::Synced) })).build().unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let running = client.start().await.unwrap();
    until_state(&client, &key("a"), State::Synced).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_tried_again_until_it_succeeds() {
    let fails = Fake::new(|cx, _| async move {
        if cx.attempt() < 3 {
            return Err(WorkError::retry(format!("no {}", cx.attempt())));
        }
        Ok(Action::Synced)
    });
    let client = builder(&store(), fails).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    let errors = row.detail.unwrap().errors;
    let messages: Vec<&str> = errors.iter().map(|error| &*error.message).collect();
    assert_eq!((messages, row.attempt, row.error_count), (vec!["no 1", "no 2"], 3, 2));
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "failed", "failed", "synced"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_resource_without_attempts_left_is_degraded() {
    kind_settings(ObjectSettings::new().inform(InformOptions::new().max_attempts(MaxAttempts::Limited(2))));
    let client = builder(&store(), Fake::new(|_, _| async { Err(WorkError::retry("no")) })).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Degraded).await;
    assert_eq!((row.attempt, row.error_count, row.run_at), (2, 2, None));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_degrades_at_once() {
    let client = builder(&store(), Fake::new(|_, _| async { Err(WorkError::permanent("never")) })).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Degraded).await;
    assert_eq!((row.attempt, &*row.detail.unwrap().errors[0].message), (1, "never"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_may_say_how_long_to_wait() {
    let asks = Fake::new(|_, _| async { Err(WorkError::retry_after(90 * SECOND, "later")) });
    let client = builder(&store(), asks).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Failed).await;
    assert_eq!(row.run_at.unwrap().since(row.detail.unwrap().errors[0].at), 90 * SECOND);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_snoozed_attempt_is_given_back() {
    let runs = Arc::new(AtomicI64::new(0));
    let counted = runs.clone();
    let snoozes = Fake::new(move |cx, _| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert_eq!(cx.attempt(), 1);
            Ok(if run < 2 { Action::Snooze(90 * SECOND) } else { Action::Synced })
        }
    });
    let client = builder(&store(), snoozes).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    assert_eq!((row.attempt, row.error_count, runs.load(Ordering::SeqCst)), (1, 0, 3));
    let took = row.synced_at.unwrap().since(row.created_at);
    assert!((180 * SECOND..183 * SECOND).contains(&took), "{took:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_short_snooze_does_not_wait_for_the_poll() {
    let snoozes = Fake::new(|_, item| async move {
        let short = Action::Snooze(Duration::from_millis(20));
        Ok(if item.row().version < 10 { short } else { Action::Synced })
    });
    let client = builder(&store(), snoozes).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    let took = row.synced_at.unwrap().since(row.created_at);
    assert!(took < Duration::from_millis(200), "{took:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_outside_becomes_deleted() {
    let gone = Fake::new(|_, item| async move {
        match item.object.value {
            1 => Ok(Action::Delete { reason: Some("404".to_owned()) }),
            _ => Err(WorkError::delete("410")),
        }
    });
    let client = builder(&store(), gone).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many([item("a", 1), item("b", 2)]).await.unwrap();
    for (id, reason) in [("a", "404"), ("b", "410")] {
        let row = until_state(&client, &key(id), State::Deleted).await;
        assert_eq!(row.detail.unwrap().errors[0].message, reason);
        assert_eq!(events_of(&client, &key(id)).await, ["scheduled(created)", "deleted"]);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_absent_is_deleted_and_not_worked() {
    let controller = Fake::new(|_, _| async { Ok(Action::Synced) }).on_delete(|cx, item| async move {
        if cx.attempt() == 1 {
            return Err(WorkError::retry(format!("still there: {}", item.object.value)));
        }
        Ok(Action::Synced)
    });
    let client = builder(&store(), controller).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    until_state(&client, &key("a"), State::Synced).await;
    client.delete(&key("a")).await.unwrap();
    let row = until_state(&client, &key("a"), State::Deleted).await;
    assert_eq!(row.detail.unwrap().errors[0].message, "still there: 1");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_decode_is_given_back_for_a_minute() {
    let store = store();
    let client = builder(&store, Fake::new(|_, _| async { Ok(Action::Synced) })).build().unwrap();
    let id = client.inform(&item("a", 1)).await.unwrap().id;
    let broken = |row: &mut delta::core::Resource| {
        row.detail.as_mut().unwrap().object = r#"{"id":"a","value":"new"}"#.into();
    };
    store.edit(id, broken).unwrap();
    let running = client.start().await.unwrap();
    let row = until("it to be given back", async || {
        client.record(&key("a")).await.unwrap().filter(|row| row.run_at.is_some_and(|at| at > row.updated_at))
    })
    .await;
    assert_eq!((row.state, row.attempt, row.error_count), (State::Scheduled, 0, 0));
    assert_eq!(row.run_at.unwrap().since(row.updated_at), 60 * SECOND);
    // A version of the program that knows the object may take it.
    store.edit(id, |row| row.detail.as_mut().unwrap().object = r#"{"id":"a","value":1}"#.into()).unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    assert_eq!(row.attempt, 1);
    running.stop().await;
}

fn explodes() -> Action {
    panic!("boom");
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_attempt_and_says_from_where() {
    let panics = Fake::new(|cx, _| async move { Ok(if cx.attempt() == 1 { explodes() } else { Action::Synced }) });
    let client = builder(&store(), panics).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    let error = row.detail.unwrap().errors.remove(0);
    assert!(error.message.starts_with("panicked at ") && error.message.ends_with(": boom"), "{}", error.message);
    assert!(error.message.contains("outcomes.rs:"), "{}", error.message);
    let backtrace = error.backtrace.unwrap();
    assert!(backtrace.lines().next().unwrap().contains("explodes"), "{backtrace}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_that_takes_too_long_is_dropped_and_fails() {
    kind_settings(ObjectSettings::new().work_timeout(5 * SECOND));
    let dropped = Arc::new(AtomicI64::new(0));
    let counted = dropped.clone();
    let hangs = Fake::new(move |cx, _| {
        let counted = counted.clone();
        async move {
            struct Dropped(Arc<AtomicI64>);
            impl Drop for Dropped {
                fn drop(&mut self) {
                    self.0.fetch_add(1, Ordering::SeqCst);
                }
            }
            assert!(cx.deadline().is_some());
            if cx.attempt() == 1 {
                let _dropped = Dropped(counted);
                std::future::pending::<()>().await;
            }
            Ok(Action::Synced)
        }
    });
    let client = builder(&store(), hangs).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Failed).await;
    assert_eq!(row.detail.unwrap().errors[0].message, "timed out after 5s");
    assert_eq!(row.updated_at.since(row.attempted_at.unwrap()).as_secs(), 5);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    until_state(&client, &key("a"), State::Synced).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_without_a_timeout_may_take_longer_than_many_leases() {
    kind_settings(ObjectSettings::new().work_timeout(None));
    let slow = Fake::new(|cx, _| async move {
        assert_eq!(cx.deadline(), None);
        crate::support::pass(Duration::from_mins(10)).await;
        Ok(Action::Synced)
    });
    let client = builder(&store(), slow).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    let attempted: Timestamp = row.attempted_at.unwrap();
    assert_eq!((row.attempt, row.error_count, row.synced_at.unwrap().since(attempted).as_secs()), (1, 0, 600));
    running.stop().await;
}
