use delta::State;

use crate::kit::*;

#[tokio::test(start_paused = true)]
async fn an_attempt_of_a_crashed_worker_is_rescued_within_two_leases() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    let client = client(&store, &outside);
    client.inform(item::<Seldom>("a")).await.unwrap();
    assert_eq!(claim_all(&store, 7, MINUTE).await.len(), 1);
    let running = client.start().await.unwrap();
    until("the rescue", async || row(&client, "a").await.state != State::Pending).await;
    assert!(now(&store).await.since(START) < 2 * MINUTE);
    assert!(row(&client, "a").await.detail.unwrap().errors[0].message.contains("was lost"));
    running.stop().await;
}
