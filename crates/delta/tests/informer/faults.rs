use std::time::Duration;

use delta::{Client, ErrorKind, InformOutcome, MemoryStore};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};

use crate::kit::*;

const DOWN: Fault = Fault::Fail(ErrorKind::Unavailable);

fn faulty<K: Traits>(store: &MemoryStore, outside: &Outside<K>) -> (Client<FaultStore<MemoryStore>>, FaultPlan) {
    let plan = FaultPlan::new();
    (client_with(&FaultStore::new(store.clone(), plan.clone()), outside, settings()), plan)
}

fn fault<K>(plan: &FaultPlan, operation: Operation, calls: Calls, fault: Fault) -> Step<K> {
    let plan = plan.clone();
    Step::Do(Box::new(move || plan.inject(operation, calls, fault)))
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_meets_a_short_outage_is_tried_again() {
    for (operation, hit) in
        [(Operation::Acquire, DOWN), (Operation::Commit, DOWN), (Operation::Commit, Fault::LoseAnswer)]
    {
        let store = store();
        let outside = Outside::<Plain>::new(&store);
        let (client, plan) = faulty(&store, &outside);
        outside.then([fault(&plan, operation, Calls::Nth(1), hit), Step::Give(item("a"))]);
        let summary = inform::<Plain>(&client, here()).await.unwrap();
        assert_eq!(plan.hits(), 1);
        assert_eq!(summary.outcomes.values().sum::<u64>(), 1);
        assert_eq!(row(&client, "a").await.generation, 1);
        assert_eq!(mark::<Plain>(&store, "default").await, Some(START));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_outage_fails_the_run_and_leaves_the_mark() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let (client, plan) = faulty(&store, &outside);
    outside.then([fault(&plan, Operation::Commit, Calls::From(1), DOWN), Step::Give(item("a"))]);
    let error = inform::<Plain>(&client, here()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    plan.clear();
    assert_eq!((rows(&client).await.len(), mark::<Plain>(&store, "default").await), (0, None));
    // Nobody could give the lease back: it comes to its end.
    inform::<Plain>(&client, here()).await.unwrap();
    assert!(now(&store).await.since(START) < MINUTE + 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_at_the_end_leaves_nothing_half_done() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let (client, plan) = faulty(&store, &outside);
    outside.then([
        Step::Give(item("a")),
        Step::Wait(SECOND),
        fault(&plan, Operation::Commit, Calls::Nth(1), Fault::LoseAnswer),
    ]);
    let error = inform::<Plain>(&client, here()).await.unwrap_err();
    assert_eq!((error.kind(), plan.hits()), (ErrorKind::Unavailable, 1));
    assert_eq!(mark::<Plain>(&store, "default").await, Some(START));
    assert_eq!(schedule_of::<Plain>(&store).await.holder, None);
    let before = now(&store).await;
    inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(now(&store).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_run_outlives_an_outage_that_is_shorter_than_its_lease() {
    let store = store();
    let outside = Outside::<Patient>::new(&store);
    let (client, plan) = faulty(&store, &outside);
    outside.then([Step::Give(item("a")), Step::Wait(10 * MINUTE), Step::Give(item("b"))]);
    let outage = async {
        pass(5 * MINUTE).await;
        plan.inject(Operation::Acquire, Calls::From(1), DOWN);
        pass(30 * SECOND).await;
        plan.clear();
    };
    let (summary, ()) = tokio::join!(inform::<Patient>(&client, here()), outage);
    assert!(plan.hits() > 0);
    assert_eq!(summary.unwrap().outcomes.get(&InformOutcome::Created), Some(&2));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_renew_its_lease_ends_before_another_may_begin() {
    let store = store();
    let outside = Outside::<Patient>::new(&store);
    let (client, plan) = faulty(&store, &outside);
    outside.then([Step::Give(item("a")), Step::Wait(10 * MINUTE), Step::Give(item("b"))]);
    let outage = async {
        pass(5 * MINUTE).await;
        plan.inject(Operation::Acquire, Calls::From(1), DOWN);
    };
    let (summary, ()) = tokio::join!(inform::<Patient>(&client, here()), outage);
    assert_eq!(summary.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(now(&store).await < schedule_of::<Patient>(&store).await.lease_until.unwrap());
    assert!(outside.asked()[0].cancellation.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_know_the_servers_time_begins_no_run() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let (client, plan) = faulty(&store, &outside);
    // An answer that takes 20 s may be off by 10 s: more than an eighth of a lease.
    plan.inject(Operation::Now, Calls::From(1), Fault::Delay(20 * SECOND));
    let error = inform::<Plain>(&client, here()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("time is known"), "{error}");
    let running = client.start().await.unwrap();
    pass(10 * MINUTE).await;
    assert_eq!(outside.runs(), 0);
    plan.clear();
    until("a run", async || outside.runs() > 0).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_look_for_due_runs_goes_on_after_errors() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let (client, plan) = faulty(&store, &outside);
    let running = client.start().await.unwrap();
    plan.inject(Operation::Acquire, Calls::From(1), DOWN);
    pass(10 * MINUTE).await;
    assert_eq!(outside.runs(), 0);
    plan.clear();
    until("a run", async || outside.runs() == 1).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_commit_that_hangs_no_longer_than_the_grace_time() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let (client, plan) = faulty(&store, &outside);
    let hang = Fault::Delay(Duration::from_hours(10));
    outside.then([fault(&plan, Operation::Commit, Calls::From(1), hang), Step::Give(item("a"))]);
    let running = client.start().await.unwrap();
    until("the run", async || plan.hits() > 0).await;
    let before = now(&store).await;
    running.stop().await;
    assert!(now(&store).await.since(before) < MINUTE + 15 * SECOND);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the server's clock of this test")]
async fn a_client_that_was_never_started_keeps_to_the_servers_time() {
    let begin = tokio::time::Instant::now();
    // A second a day is a good clock; this one loses half a minute.
    let server = move || START + tokio::time::Instant::now().duration_since(begin).mul_f64(1.000_4);
    let store = MemoryStore::with_clock(server);
    let client = client(&store, &Outside::<Plain>::new(&store));
    client.inform(item::<Plain>("a")).await.unwrap();
    pass(Duration::from_hours(24)).await;
    client.inform(item::<Plain>("b")).await.unwrap();
    let off = now(&store).await.since(row(&client, "b").await.created_at);
    assert!(off < SECOND, "{off:?}");
}
