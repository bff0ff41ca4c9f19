//! What happens to a resource that changes while it is worked.

use std::time::Duration;

use delta::{Action, State, WorkError};
use tokio::sync::mpsc;

use crate::support::{Fake, Tally, builder, events_of, item, key, pass, store, until, until_state};

/// A worker that lets the test go on while it works, and answers as the object's value says.
fn gated(tally: &Tally) -> (Fake, mpsc::UnboundedReceiver<u32>) {
    let (began, starts) = mpsc::unbounded_channel();
    let tally = tally.clone();
    let fake = Fake::new(move |_, item| {
        let (began, happening) = (began.clone(), tally.begin([item.object.id.clone()]));
        async move {
            let _happening = happening;
            began.send(item.object.value).unwrap();
            pass(Duration::from_millis(500)).await;
            match item.object.value {
                0 => Ok(Action::Delete { reason: None }),
                1 => Err(WorkError::retry("no")),
                _ => Ok(Action::Synced),
            }
        }
    });
    (fake, starts)
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changes_while_it_is_worked_is_worked_exactly_once_more() {
    for (first, own_event) in [(5, Some("synced")), (1, Some("failed")), (0, None)] {
        let tally = Tally::default();
        let (fake, mut starts) = gated(&tally);
        let client = builder(&store(), fake).build().unwrap();
        let running = client.start().await.unwrap();
        client.inform(&item("a", first)).await.unwrap();
        assert_eq!(starts.recv().await, Some(first));
        client.inform(&item("a", 6)).await.unwrap();
        client.inform(&item("a", 7)).await.unwrap();
        let row = until_state(&client, &key("a"), State::Synced).await;
        assert_eq!((row.generation, row.synced_generation, row.attempt), (3, 3, 1), "after {own_event:?}");
        assert_eq!((starts.try_recv(), starts.try_recv().ok()), (Ok(7), None));
        assert_eq!((tally.most("a"), tally.total("a")), (1, 2));
        let mut events = vec!["scheduled(created)"];
        events.extend(own_event);
        events.extend(["scheduled(rerun)", "synced"]);
        assert_eq!(events_of(&client, &key("a")).await, events);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rerun_begins_without_waiting_for_the_poll() {
    let (fake, mut starts) = gated(&Tally::default());
    let client = builder(&store(), fake).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 5)).await.unwrap();
    starts.recv().await;
    client.inform(&item("a", 6)).await.unwrap();
    let row = until_state(&client, &key("a"), State::Synced).await;
    let took = row.synced_at.unwrap().since(row.created_at);
    assert!(took < Duration::from_millis(1_100), "{took:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_asked_for_during_work_follows_it() {
    let (fake, mut starts) = gated(&Tally::default());
    let client = builder(&store(), fake).build().unwrap();
    let running = client.start().await.unwrap();
    client.inform(&item("a", 5)).await.unwrap();
    starts.recv().await;
    client.delete(&key("a")).await.unwrap();
    until("it to be deleted", async || {
        client.record(&key("a")).await.unwrap().filter(|row| row.state == State::Deleted)
    })
    .await;
    assert_eq!(events_of(&client, &key("a")).await, ["scheduled(created)", "synced", "scheduled(rerun)", "deleted"]);
    running.stop().await;
}
