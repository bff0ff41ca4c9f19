use std::time::Duration;

use delta::{InformOutcome, State};

use crate::kit::*;

#[tokio::test(start_paused = true)]
async fn a_run_in_the_foreground_informs_what_the_stream_gives_and_sums_it_up() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    outside.gives([item("a"), item("b")]).gives([item("a"), item("b").value(1), item("c")]);
    client.schedule_inform("plain", here()).await.unwrap();
    let summary = client.schedule_inform("plain", here()).await.unwrap().unwrap();
    let expected = [(InformOutcome::Created, 1), (InformOutcome::Changed, 1), (InformOutcome::Unchanged, 1)];
    assert_eq!(summary.outcomes, expected.into_iter().collect());
    assert_eq!((summary.rejected, summary.missing), (0, 0));
    assert_eq!(rows(&client).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_started_client_runs_its_informers_at_once_and_then_once_per_interval() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    outside.gives([item("a")]).gives([item("b")]);
    let client = client(&store, &outside);
    let running = client.start().await.unwrap();
    until("the first run", async || outside.runs() == 1).await;
    pass(Duration::from_secs(3_590)).await;
    assert_eq!(outside.runs(), 1);
    until("the second run", async || outside.runs() == 2).await;
    assert!(now(&store).await.since(START) < HOUR + 10 * SECOND);
    running.stop().await;
    assert_eq!(rows(&client).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_full_run_does_not_mention_is_deleted_if_the_kind_says_so() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = client(&store, &outside);
    outside.gives([item("a"), item("b")]).gives([item("a")]);
    client.schedule_inform("deleting", here().full()).await.unwrap();
    sync_all(&store).await;
    pass(SECOND).await;
    let summary = client.schedule_inform("deleting", here().full()).await.unwrap().unwrap();
    assert_eq!(summary.missing, 1);
    let scheduled = State::Scheduled;
    assert_eq!(states(&client).await, [("a".to_owned(), State::Synced), ("b".to_owned(), scheduled)]);
}
