//! Workers that settle in their own transaction.

use std::time::Duration;

use delta::{Action, Controller, MemoryStore, Resource, SettleOutcome, State, WorkContext, WorkError};

use crate::support::{Item, builder_of, events_of, item, key, pass, store, until_state};

/// Settles in a transaction, and ends that as the object's value says.
struct Transactional;

impl Controller for Transactional {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        let client = cx.client_of::<MemoryStore>().unwrap();
        let mut tx = client.store().begin().await?;
        let settled = client.settle_in(&mut tx, item, Action::Synced).await?;
        assert_eq!(settled, SettleOutcome::Settled);
        match item.object.value {
            2 if cx.attempt() == 1 => tx.rollback().await,
            3 => {
                // Longer than a heartbeat, which finds the row locked.
                pass(Duration::from_secs(35)).await;
                tx.commit().await?;
            }
            _ => tx.commit().await?,
        }
        Ok(Action::Settled)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_has_committed_itself_is_not_settled_again() {
    for value in [1, 3] {
        let client = builder_of(&store(), Transactional).build().unwrap();
        let running = client.start().await.unwrap();
        client.inform(&item("a", value)).await.unwrap();
        let row = until_state(&client, &key("a"), State::Synced).await;
        pass(Duration::from_mins(1)).await;
        assert_eq!(client.record(&key("a")).await.unwrap().unwrap(), row);
        assert_eq!((row.attempt, row.error_count), (1, 0));
        assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "synced"]);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_was_not_committed_is_a_failed_attempt() {
    let client = builder_of(&store(), Transactional).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 2)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    let errors = row.detail.unwrap().errors;
    assert_eq!((row.attempt, &*errors[0].message), (2, "settlement was not committed"));
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "failed", "synced"]);
    running.stop().await;
}

/// Changes its own object before it settles: the settlement finds that the generation has moved.
struct Restless;

impl Controller for Restless {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        let client = cx.client_of::<MemoryStore>().unwrap();
        if item.object.value < 5 {
            client.inform(&Item { value: item.object.value + 1, ..item.object.clone() }).await?;
        }
        let mut tx = client.store().begin().await?;
        let settled = client.settle_in(&mut tx, item, Action::Synced).await?;
        assert_eq!(settled, SettleOutcome::Settled);
        tx.commit().await?;
        Ok(Action::Settled)
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_during_work_is_worked_without_waiting_for_the_poll() {
    let client = builder_of(&store(), Restless).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 1)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    let took = row.synced_at.unwrap().since(row.created_at);
    assert_eq!((row.generation, row.attempt), (5, 1));
    assert!(took < Duration::from_millis(100), "{took:?}");
    running.stop().await;
}
