//! Leases are renewed while work goes on, and work ends before a lease does.

use std::time::Duration;

use delta::core::{Access, Depth, LeaseToken, Load, LoadBy, Store};
use delta::{Action, ObjectSettings, State};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};

use crate::support::{
    Fake, Metrics, Tally, builder, events_of, item, key, kind_settings, pass, settings, store, until, until_state,
};

const SECOND: Duration = Duration::from_secs(1);

/// A worker that takes so long for the first attempt, and is counted by the object's id while it does.
fn slow(tally: &Tally, time: Duration) -> Fake {
    kind_settings(ObjectSettings::new().work_timeout(None));
    let tally = tally.clone();
    Fake::new(move |cx, item| {
        let happening = tally.begin([item.object.id.clone()]);
        async move {
            let _happening = happening;
            if cx.attempt() == 1 {
                pass(time).await;
            }
            Ok(Action::Synced)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_though_user_code_has_emptied_the_pool() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, slow(&tally, 600 * SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
    plan.inject(Operation::Acquire, Calls::From(1), Fault::Fail(delta::ErrorKind::Unavailable));
    pass(599 * SECOND).await;
    assert_eq!(tally.running("a"), 1);
    plan.clear();
    let row = until_state(&client, &key("a"), State::Synced).await;
    assert_eq!((row.attempt, row.error_count), (1, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_whose_lease_cannot_be_renewed_is_ended_before_the_lease_and_fails() {
    for fault in [Fault::Fail(delta::ErrorKind::Unavailable), Fault::Delay(3600 * SECOND)] {
        let (plan, tally) = (FaultPlan::new(), Tally::default());
        let store = FaultStore::new(store(), plan.clone());
        let client = builder(&store, slow(&tally, 600 * SECOND)).build().unwrap();
        let running = client.start().await.unwrap();
        client.inform(&item("a", 1)).await.unwrap();
        until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
        plan.inject(Operation::Commit, Calls::From(1), fault);
        pass(39 * SECOND).await;
        assert_eq!(tally.running("a"), 1, "{fault:?}");
        // A heartbeat interval before the end of the lease, and what a look at the clock may be late by.
        pass(7 * SECOND).await;
        assert_eq!(tally.running("a"), 0, "{fault:?}");
        plan.clear();
        let row = until_state(&client, &key("a"), State::Synced).await;
        assert_eq!((row.attempt, row.error_count), (2, 1));
        assert_eq!(row.detail.unwrap().errors[0].message, "lease could not be renewed in time");
        assert!(plan.hits() > 0);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_answers_nothing_does_not_keep_work_alive_past_its_lease() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, slow(&tally, 600 * SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
    for operation in Operation::ALL {
        plan.inject(operation, Calls::From(1), Fault::Delay(3600 * SECOND));
    }
    pass(46 * SECOND).await;
    assert_eq!(tally.running("a"), 0);
    plan.clear();
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_whose_lease_was_lost_is_ended_and_reports_nothing() {
    let (store, tally) = (store(), Tally::default());
    let client = builder(&store, slow(&tally, 600 * SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    let id = client.inform(&item("a", 1)).await.unwrap().id;
    until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
    let stolen = store.edit(id, |row| {
        row.lease.as_mut().unwrap().token = LeaseToken::new(1);
        row.clone()
    });
    pass(21 * SECOND).await;
    assert_eq!((tally.running("a"), tally.total("a")), (0, 1));
    assert_eq!(client.record(&key("a")).await.unwrap(), stolen);
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)"]);
    running.stop().await;
    assert_eq!(client.record(&key("a")).await.unwrap(), stolen);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_without_the_lease_changes_nothing_and_is_counted() {
    let (store, tally, metrics) = (store(), Tally::default(), Metrics::record());
    let client = builder(&store, slow(&tally, SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    let id = client.inform(&item("a", 1)).await.unwrap().id;
    until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
    let stolen = store.edit(id, |row| {
        row.lease.as_mut().unwrap().token = LeaseToken::new(1);
        row.clone()
    });
    pass(5 * SECOND).await;
    assert_eq!((tally.running("a"), tally.total("a")), (0, 1));
    assert_eq!(client.record(&key("a")).await.unwrap(), stolen);
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)"]);
    assert_eq!(metrics.take().get("delta_lost_total settle"), Some(&1.0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_cancelled_within_a_heartbeat() {
    let (store, tally) = (store(), Tally::default());
    let client = builder(&store, slow(&tally, 600 * SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many([item("a", 1), item("b", 1)]).await.unwrap();
    until("work to begin", async || (tally.running("a") + tally.running("b") == 2).then_some(())).await;
    client.cancel(&key("a")).await.unwrap();
    pass(21 * SECOND).await;
    let row = client.record(&key("a")).await.unwrap().unwrap();
    assert_eq!((row.state, &*row.detail.unwrap().errors[0].message), (State::Degraded, "cancelled"));
    assert_eq!((tally.running("a"), tally.running("b")), (0, 1));
    until_state(&client, &key("b"), State::Synced).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_locked_row_holds_up_neither_other_settlements_nor_other_heartbeats() {
    let (store, tally) = (store(), Tally::default());
    let worker = {
        kind_settings(ObjectSettings::new().work_timeout(None));
        let tally = tally.clone();
        Fake::new(move |_, item| {
            let happening = tally.begin([item.object.id.clone()]);
            async move {
                let _happening = happening;
                pass(SECOND * item.object.value).await;
                Ok(Action::Synced)
            }
        })
    };
    let client = builder(&store, worker).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many([item("settles", 1), item("renews", 55), item("other", 2), item("long", 300)]).await.unwrap();
    until("work to begin", async || (tally.running("long") == 1).then_some(())).await;
    let mut tx = store.begin().await.unwrap();
    let by = LoadBy::Keys(vec![key("settles"), key("renews")]);
    let locked = store.load(&mut tx, &Load { by, depth: Depth::Head, access: Access::Write }).await.unwrap();
    assert_eq!(locked.len(), 2);

    pass(3 * SECOND).await;
    assert_eq!(client.record(&key("other")).await.unwrap().unwrap().state, State::Synced);
    assert_eq!(client.record(&key("settles")).await.unwrap().unwrap().state, State::Pending);
    // Longer than a heartbeat, shorter than until the attempt would have to end.
    pass(34 * SECOND).await;
    tx.rollback().await;
    pass(3 * SECOND).await;
    assert_eq!(client.record(&key("settles")).await.unwrap().unwrap().state, State::Synced);
    for id in ["renews", "long"] {
        let row = until_state(&client, &key(id), State::Synced).await;
        assert_eq!((row.attempt, row.error_count, tally.total(id)), (1, 0, 1), "{id}");
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_claim_answers_too_late_is_given_back_and_not_started() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, slow(&tally, SECOND)).build().unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    plan.inject(Operation::Claim, Calls::Nth(1), Fault::Delay(45 * SECOND));
    let running = client.start().await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    assert_eq!((row.attempt, row.error_count, tally.total("a"), plan.hits()), (1, 0, 1, 1));
    let events = events_of(&client, &key("a")).await;
    assert_eq!(events, ["scheduled(created)", "scheduled(released)", "synced"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_while_the_servers_time_is_known_badly() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    plan.inject(Operation::Now, Calls::From(1), Fault::Delay(20 * SECOND));
    let client = builder(&store, slow(&tally, SECOND)).settings(settings()).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    pass(300 * SECOND).await;
    assert_eq!(tally.total("a"), 0);
    plan.clear();
    until_state(&client, &key("a"), State::Synced).await;
    running.stop().await;
}
