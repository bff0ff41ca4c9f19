use delta::{Action, State};

use crate::support::{Fake, builder, events_of, item, key, store, until_state};

#[tokio::test(start_paused = true)]
async fn an_informed_object_is_worked_and_synced() {
    let client = builder(&store(), Fake::new(|_, _| async { Ok(Action::Synced) })).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    assert_eq!((row.generation, row.synced_generation, row.attempt, row.lease), (1, 1, 1, None));
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "synced"]);
    running.stop().await;
    client.start().await.unwrap().stop().await;
}
