use delta::core::{Access, Depth, Load, LoadBy, Store};
use delta::{Inform, InformOptions, MaxAttempts, State};

use crate::kit::*;

#[tokio::test(start_paused = true)]
async fn an_attempt_of_a_crashed_worker_is_rescued_within_two_leases_and_worked_at_once() {
    let store = store();
    let client = client_with(&store, &Outside::<Seldom>::new(&store), settings().poll_interval(HOUR));
    client.inform(item::<Seldom>("a")).await.unwrap();
    assert_eq!(claim_all(&store, 7, MINUTE).await.len(), 1);
    let running = client.start().await.unwrap();
    until("the rescue", async || row(&client, "a").await.state == State::Synced).await;
    assert!(now(&store).await.since(START) < 2 * MINUTE);
    let row = row(&client, "a").await;
    assert!(row.detail.unwrap().errors[0].message.contains("was lost"));
    assert_eq!(row.attempt, 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_that_is_lost_degrades() {
    let store = store();
    let client = client(&store, &Outside::<Seldom>::new(&store));
    let once = InformOptions::new().max_attempts(MaxAttempts::Limited(1));
    client.inform(Inform::new(item::<Seldom>("a")).options(once)).await.unwrap();
    claim_all(&store, 7, MINUTE).await;
    let running = client.start().await.unwrap();
    pass(2 * MINUTE).await;
    assert_eq!(row(&client, "a").await.state, State::Degraded);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_not_over_is_left_alone() {
    let store = store();
    let client = client(&store, &Outside::<Seldom>::new(&store));
    client.inform(item::<Seldom>("a")).await.unwrap();
    let claimed = claim_all(&store, 7, HOUR).await;
    let running = client.start().await.unwrap();
    pass(59 * MINUTE).await;
    assert_eq!(row(&client, "a").await.lease, claimed[0].lease);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_somebody_has_locked_delays_no_other_and_is_rescued_later() {
    let store = store();
    let client = client_with(&store, &Outside::<Seldom>::new(&store), settings().cleaner_batch(1));
    client.inform_many(["a", "b", "c"].map(item::<Seldom>)).await.unwrap();
    claim_all(&store, 7, MINUTE).await;
    let mut tx = store.begin().await.unwrap();
    let by = LoadBy::Keys(vec![key::<Seldom>("b")]);
    store.load(&mut tx, &Load { by, depth: Depth::Head, access: Access::Write }).await.unwrap();
    let running = client.start().await.unwrap();
    pass(5 * MINUTE).await;
    let pending = states(&client).await.into_iter().filter(|(_, state)| *state == State::Pending);
    assert_eq!(pending.map(|(id, _)| id).collect::<Vec<_>>(), ["b"]);
    tx.rollback().await;
    pass(MINUTE).await;
    assert_eq!(row(&client, "b").await.state, State::Synced);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_a_batch_is_rescued_in_one_step() {
    let store = store();
    let settings = settings().cleaner_batch(10).maintenance_interval(HOUR);
    let client = client_with(&store, &Outside::<Plain>::new(&store), settings);
    client.inform_many((0..95).map(|number| item::<Seldom>(&format!("i{number}")))).await.unwrap();
    assert_eq!(claim_all(&store, 7, MINUTE).await.len(), 95);
    pass(2 * MINUTE).await;
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    assert!(states(&client).await.iter().all(|(_, state)| *state == State::Failed));
    running.stop().await;
}
