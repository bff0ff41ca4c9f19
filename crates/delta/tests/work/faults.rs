//! A store that fails loses nothing, and the engine goes on by itself.

use std::time::Duration;

use delta::core::{Access, Changeset, Depth, EventObjects, Load, LoadBy, Store, plan};
use delta::{Action, Client, ErrorKind, ObjectSettings, State};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};

use crate::support::{
    Fake, Metrics, Tally, builder, events_of, item, key, kind_settings, now, pass, settings, store, until, until_count,
    until_state,
};

const SECOND: Duration = Duration::from_secs(1);

fn takes(tally: &Tally, time: Duration) -> Fake {
    let tally = tally.clone();
    Fake::new(move |_, item| {
        let happening = tally.begin(["all".to_owned(), item.object.id.clone()]);
        async move {
            let _happening = happening;
            pass(time).await;
            Ok(Action::Synced)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_settlement_whose_answer_is_lost_is_written_once() {
    for fault in
        [Fault::LoseAnswer, Fault::Fail(ErrorKind::Conflict), Fault::Drop { polls: 0 }, Fault::Drop { polls: 1 }]
    {
        let (plan, tally) = (FaultPlan::new(), Tally::default());
        let store = FaultStore::new(store(), plan.clone());
        let client = builder(&store, takes(&tally, SECOND)).build().unwrap();
        let running = client.start().await.unwrap();
        client.inform(&item("a", 1)).await.unwrap();
        until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
        // The next one carries a poll or the settlement; in either case the settlement is carried by one of the next.
        plan.inject(Operation::Claim, Calls::Nth(1), fault);
        let row = until_state(&client, &key("a"), State::Synced).await;
        pass(5 * SECOND).await;
        assert_eq!((row.attempt, row.error_count, tally.total("a"), plan.hits()), (1, 0, 1, 1), "{fault:?}");
        assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "synced"], "{fault:?}");
        assert_eq!(client.record(&key("a")).await.unwrap().unwrap(), row);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_is_lost_is_rescued_and_worked() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, takes(&tally, SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    until("the first claims", async || (plan.calls(Operation::Lanes) > 1).then_some(())).await;
    plan.inject(Operation::Claim, Calls::Nth(1), Fault::LoseAnswer);
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    assert_eq!((row.attempt, row.error_count, tally.total("a"), plan.hits()), (2, 1, 1, 1));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_engine_goes_on_by_itself_after_the_store_has_failed_for_a_while() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Conflict, ErrorKind::Corrupt, ErrorKind::Unsupported] {
        let (plan, tally) = (FaultPlan::new(), Tally::default());
        let healthy = store();
        let store = FaultStore::new(healthy.clone(), plan.clone());
        let client = builder(&store, takes(&tally, 3 * SECOND)).build().unwrap();
        let running = client.start().await.unwrap();
        client.inform_many((0..20).map(|n| item(n, n))).await.unwrap();
        until("work to begin", async || (tally.running("all") == 10).then_some(())).await;
        for operation in Operation::ALL {
            plan.inject(operation, Calls::From(1), Fault::Fail(kind));
        }
        pass(35 * SECOND).await;
        assert_eq!((tally.running("all"), tally.total("all")), (0, 10), "{kind}");
        plan.clear();
        let start = now();
        until_count(&client, State::Synced, 20).await;
        // The longest wait after an error, and what is left of the work.
        assert!(now() - start < 10 * SECOND, "{kind}: {:?}", now() - start);
        assert_eq!(tally.total("all"), 20, "{kind}");
        for n in 0..20 {
            assert_eq!(events_of(&client, &key(n)).await, ["scheduled(created)", "synced"], "{kind}");
        }
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn settlements_are_written_one_by_one_where_all_together_are_refused() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, takes(&tally, SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many((0..10).map(|n| item(n, n))).await.unwrap();
    until("work to begin", async || (tally.running("all") == 10).then_some(())).await;
    plan.inject(Operation::Claim, Calls::From(1), Fault::Fail(ErrorKind::Invalid));
    until_count(&client, State::Synced, 10).await;
    assert!(plan.hits() > 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_is_settled_though_nobody_can_look_for_more() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    let client = builder(&store, takes(&tally, 5 * SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
    plan.inject(Operation::Lanes, Calls::From(1), Fault::Fail(ErrorKind::Unsupported));
    until_state(&client, &key("a"), State::Synced).await;
    assert!(plan.hits() > 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_poll_finds_what_no_wake_up_told() {
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let store = FaultStore::new(store(), plan.clone());
    plan.inject(Operation::Wake, Calls::From(1), Fault::Drop { polls: 0 });
    let worker = builder(&store, takes(&tally, SECOND / 100)).build().unwrap();
    let running = worker.start().await.unwrap();
    let informer = Client::builder(store).settings(settings().seed(8)).build().unwrap();
    for n in 0..20 {
        let start = now();
        informer.inform(&item(n, n)).await.unwrap();
        until_state(&informer, &key(n), State::Synced).await;
        assert!(now() - start <= SECOND + SECOND / 20, "{:?}", now() - start);
        pass(SECOND * 10).await;
    }
    assert!(plan.hits() >= 20);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_of_another_client_is_followed_at_once() {
    let (store, tally) = (store(), Tally::default());
    let unpolled = settings().poll_interval(600 * SECOND);
    let worker = builder(&store, takes(&tally, SECOND / 100)).settings(unpolled.clone()).build().unwrap();
    let running = worker.start().await.unwrap();
    let informer = Client::builder(store).settings(unpolled.seed(8)).build().unwrap();
    for n in 0..20 {
        pass(SECOND).await;
        let start = now();
        informer.inform(&item(n, n)).await.unwrap();
        until_state(&informer, &key(n), State::Synced).await;
        assert!(now() - start <= SECOND / 20, "{:?}", now() - start);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_comes_after_a_rescue_changes_nothing() {
    let metrics = Metrics::record();
    kind_settings(ObjectSettings::new().work_timeout(None));
    let (plan, tally) = (FaultPlan::new(), Tally::default());
    let healthy = store();
    let store = FaultStore::new(healthy.clone(), plan.clone());
    let client = builder(&store, takes(&tally, SECOND)).build().unwrap();
    let running = client.start().await.unwrap();
    let id = client.inform(&item("a", 1)).await.unwrap().id;
    until("work to begin", async || (tally.running("a") == 1).then_some(())).await;
    // It finishes while the database is out of reach, for longer than its lease.
    for operation in Operation::ALL {
        plan.inject(operation, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
    }
    pass(61 * SECOND).await;
    let mut conn = healthy.acquire(Access::Write).await.unwrap();
    let load = Load { by: LoadBy::Ids(vec![id]), depth: Depth::Head, access: Access::Read };
    let row = healthy.load(&mut conn, &load).await.unwrap().remove(0);
    assert_eq!(row.state, State::Pending);
    let at = healthy.now(&mut conn).await.unwrap();
    let rescue = plan::rescue(&row, EventObjects::Omit, at).unwrap();
    let changes = Changeset { changes: vec![rescue], ..Changeset::new(at) };
    healthy.commit(&mut conn, &changes).await.unwrap();
    // Keeps the resource from being worked again, so that only the late settlement could change it.
    let rescued = healthy.edit(id, |row| {
        row.paused = true;
        row.clone()
    });
    plan.clear();
    pass(30 * SECOND).await;
    assert_eq!(client.record(&key("a")).await.unwrap(), rescued);
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "failed"]);
    running.stop().await;
    assert_eq!(client.record(&key("a")).await.unwrap(), rescued);
    let found = metrics.take();
    assert!(found["delta_errors_total pump unavailable"] > 0.0, "{found:#?}");
    assert_eq!(found.get("delta_lost_total settle"), Some(&1.0));
}
