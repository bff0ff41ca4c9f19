use delta::core::plan::schedule;
use delta::core::{ErrorKind, Owner};
use delta::{Client, MemoryStore, State};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};

use crate::kit::*;

/// A client without kinds: only its maintenance runs.
fn client(store: &MemoryStore) -> Client<MemoryStore> {
    Client::builder(store.clone()).settings(settings()).build().unwrap()
}

async fn leader(store: &MemoryStore) -> (Option<Owner>, u64) {
    let leader = cursor(store, schedule::LEADER).await.unwrap();
    (leader.holder, schedule::term(&leader))
}

#[tokio::test(start_paused = true)]
async fn one_of_several_clients_leads_and_stays_in_office() {
    let store = store();
    let running = [client(&store).start().await.unwrap(), client(&store).start().await.unwrap()];
    pass(SECOND).await;
    let (holder, term) = leader(&store).await;
    assert!(holder.is_some());
    assert_eq!(term, 1);
    pass(2 * HOUR).await;
    assert_eq!(leader(&store).await, (holder, 1));
    for running in running {
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_stops_resigns_and_the_next_leads_in_a_new_term() {
    let store = store();
    let one = client(&store).start().await.unwrap();
    pass(SECOND).await;
    let (first, _) = leader(&store).await;
    let two = client(&store).start().await.unwrap();
    pass(MINUTE).await;
    one.stop().await;
    assert_eq!(leader(&store).await, (None, 1));
    let before = now(&store).await;
    until("the second leads", async || leader(&store).await.1 == 2).await;
    assert!(now(&store).await.since(before) < 10 * SECOND);
    assert_ne!(leader(&store).await.0, first);
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_crashed_is_followed_after_its_lease() {
    let store = store();
    overwrite(&store, schedule::LEADER, |leader| delta::core::Cursor {
        holder: Some(Owner::new(99)),
        lease_until: Some(START + 15 * SECOND),
        position: Some("41".to_owned()),
        ..leader
    })
    .await;
    let running = client(&store).start().await.unwrap();
    pass(14 * SECOND).await;
    assert_eq!(leader(&store).await, (Some(Owner::new(99)), 41));
    until("the next leads", async || leader(&store).await.1 == 42).await;
    assert!(now(&store).await.since(START) < 30 * SECOND);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_was_replaced_stops_to_lead() {
    let store = store();
    let settings = settings().maintenance_interval(SECOND);
    let client = Client::builder(store.clone()).settings(settings).build().unwrap();
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    overwrite(&store, schedule::LEADER, |leader| delta::core::Cursor {
        holder: Some(Owner::new(99)),
        lease_until: Some(START + HOUR),
        ..leader
    })
    .await;
    pass(20 * SECOND).await;
    client.inform(item::<Seldom>("a")).await.unwrap();
    claim_all(&store, 7, SECOND).await;
    pass(30 * MINUTE).await;
    assert_eq!(row(&client, "a").await.state, State::Pending);
    running.stop().await;
    assert_eq!(leader(&store).await.0, Some(Owner::new(99)));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_reach_the_store_stops_to_lead_before_its_lease_is_over_and_comes_back() {
    let store = store();
    let plan = FaultPlan::new();
    let faulty = FaultStore::new(store.clone(), plan.clone());
    let one = Client::builder(faulty).settings(settings()).build().unwrap().start().await.unwrap();
    pass(SECOND).await;
    let (first, _) = leader(&store).await;
    plan.inject(Operation::Acquire, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
    let two = client(&store).start().await.unwrap();
    until("the other leads", async || leader(&store).await.1 == 2).await;
    assert!(plan.hits() > 0);
    let (second, _) = leader(&store).await;
    assert_ne!(first, second);
    plan.clear();
    two.stop().await;
    until("the first leads again", async || leader(&store).await == (first, 3)).await;
    one.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_know_the_servers_time_does_not_lead() {
    let store = store();
    let plan = FaultPlan::new();
    let faulty = FaultStore::new(store.clone(), plan.clone());
    // An answer that takes 20 s may be off by 10 s: more than an eighth of a lease.
    plan.inject(Operation::Now, Calls::From(1), Fault::Delay(20 * SECOND));
    let client = Client::builder(faulty).settings(settings()).build().unwrap();
    let running = client.start().await.unwrap();
    pass(30 * MINUTE).await;
    assert!(plan.hits() > 1);
    assert_eq!(cursor(&store, schedule::LEADER).await, None);
    plan.clear();
    until("it leads", async || cursor(&store, schedule::LEADER).await.is_some()).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_or_hangs_is_taken_again_and_holds_up_no_other() {
    let store = store();
    let plan = FaultPlan::new();
    let faulty = FaultStore::new(store.clone(), plan.clone());
    let client = Client::builder(faulty).settings(settings()).build().unwrap();
    client.inform(item::<Seldom>("a")).await.unwrap();
    claim_all(&store, 7, SECOND).await;
    pass(MINUTE).await;
    plan.inject(Operation::Due, Calls::Nth(1), Fault::Fail(ErrorKind::Unavailable));
    plan.inject(Operation::Due, Calls::Nth(2), Fault::Delay(10 * HOUR));
    plan.inject(Operation::Due, Calls::Nth(3), Fault::Delay(10 * HOUR));
    let running = client.start().await.unwrap();
    until("the rescue", async || row(&client, "a").await.state == State::Failed).await;
    assert!(now(&store).await.since(START) < 5 * MINUTE);
    assert_eq!(plan.hits(), 3);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_store_that_hangs() {
    let store = store();
    let plan = FaultPlan::new();
    let faulty = FaultStore::new(store.clone(), plan.clone());
    let running = Client::builder(faulty).settings(settings()).build().unwrap().start().await.unwrap();
    pass(SECOND).await;
    plan.inject(Operation::Commit, Calls::From(1), Fault::Delay(10 * HOUR));
    let before = now(&store).await;
    running.stop().await;
    assert!(now(&store).await.since(before) <= MINUTE);
}
