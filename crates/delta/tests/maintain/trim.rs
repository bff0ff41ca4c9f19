use std::time::Duration;

use delta::core::plan::consume::{CursorData, Shape, Standing, cursor_name};
use delta::core::{Access, Changeset, Cursor, LogName, Store as _, Timestamp};
use delta::{AnyClient, Client, ErrorKind, EventQuery, MemoryStore, Position};

use crate::kit::*;

kinds! {}

const DAY: Duration = Duration::from_hours(24);

async fn append(client: &AnyClient, ids: std::ops::RangeInclusive<u32>) {
    for id in ids {
        client.inform(item::<Seldom>(&id.to_string())).await.unwrap();
    }
}

async fn positions(client: &AnyClient) -> Vec<i64> {
    let query = EventQuery { after: Position::START, limit: 1_000, filter: delta::EventFilter::default() };
    client.events(&query).await.unwrap().events.iter().map(|event| event.position.get()).collect()
}

async fn stand(store: &MemoryStore, consumer: &str, position: i64) {
    let log = LogName::own();
    let standing =
        Standing { position: Some(Position::new(position)), data: CursorData::new(log.clone(), None, Shape::One) };
    let cursor = standing.into_cursor(Cursor::new(cursor_name(&log, consumer)));
    let changes = Changeset { cursors: vec![cursor.put()], ..Changeset::new(Timestamp::EPOCH) };
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.commit(&mut conn, &changes).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_log_is_kept_for_ever_unless_it_has_a_retention() {
    let store = store();
    let client = Client::builder(store.clone()).settings(settings()).build().unwrap();
    append(&client, 1..=10).await;
    pass(400 * DAY).await;
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    assert_eq!(positions(&client).await.len(), 10);
    running.stop().await;
    let client = Client::builder(store).settings(settings()).event_retention(None).build().unwrap();
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    assert_eq!(positions(&client).await.len(), 10);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_leader_removes_events_past_their_retention_that_all_have_handled() {
    let store = store();
    let settings = settings().cleaner_interval(HOUR).cleaner_batch(2);
    let client = Client::builder(store.clone()).settings(settings).event_retention(2 * DAY).build().unwrap();
    append(&client, 1..=5).await;
    pass(DAY).await;
    append(&client, 6..=10).await;
    stand(&store, "slow", 3).await;
    pass(22 * HOUR).await;
    let running = client.start().await.unwrap();
    pass(HOUR + SECOND).await;
    assert_eq!(positions(&client).await.len(), 10, "none is old enough");
    pass(3 * HOUR).await;
    assert_eq!(positions(&client).await, (4..=10).collect::<Vec<_>>(), "the consumer has yet to handle the next");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_retention_of_nothing_is_refused() {
    let error = Client::builder(store()).settings(settings()).event_retention(Duration::ZERO).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("event retention: expected a time above zero, or none, found 0 s"), "{error}");
}
