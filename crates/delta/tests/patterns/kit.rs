use std::fmt::Display;
use std::time::Duration;

use delta::core::plan::consume::{CursorData, Shape, Standing};
use delta::core::{Access, Changeset, Cursor, CursorQuery, LogName, Store as _, Timestamp};
use delta::{Client, ClientSettings, EventFilter, MemoryStore, Object, ObjectSettings, Position};
use serde::{Deserialize, Serialize};

pub(crate) const DAY: Duration = Duration::from_hours(24);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) value: u32,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

pub(crate) fn item(id: impl Display, value: u32) -> Item {
    Item { id: format!("{id}"), value }
}

pub(crate) fn at(position: i64) -> Position {
    Position::new(position)
}

/// The time of a test's server: tokio's, from some day on.
#[expect(clippy::disallowed_methods, reason = "a test's own clock")]
pub(crate) fn store() -> MemoryStore {
    let start = tokio::time::Instant::now();
    MemoryStore::with_clock(move || Timestamp::from_micros(1_750_000_000_000_000) + start.elapsed())
}

pub(crate) fn client() -> Client<MemoryStore> {
    Client::builder(store()).settings(ClientSettings::new().seed(7)).build().unwrap()
}

/// Appends so many events, at the positions that follow.
pub(crate) async fn append(client: &Client<MemoryStore>, ids: impl IntoIterator<Item = u32>) {
    for id in ids {
        client.inform(item(id, 1)).await.unwrap();
    }
}

/// The positions that the log still has.
pub(crate) async fn positions(client: &Client<MemoryStore>) -> Vec<i64> {
    let page = client.log().page(Position::START, 10_000, &EventFilter::default()).await.unwrap();
    page.events.iter().map(|event| event.position.get()).collect()
}

/// Stores where a consumer of the client's own log stands, or a slice of it.
pub(crate) async fn stand(client: &Client<MemoryStore>, name: String, position: Option<i64>, shape: Shape) {
    stand_in(client, &LogName::own(), name, position, shape).await;
}

/// Stores where a consumer of a log stands, or a slice of it.
pub(crate) async fn stand_in(
    client: &Client<MemoryStore>,
    log: &LogName,
    name: String,
    position: Option<i64>,
    shape: Shape,
) {
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let stored = store.cursors(&mut conn, &CursorQuery::Names(vec![name.clone()])).await.unwrap().pop();
    let data = CursorData::new(log.clone(), None, shape);
    let standing = Standing { position: position.map(Position::new), data };
    let cursor = standing.into_cursor(stored.unwrap_or_else(|| Cursor::new(name)));
    let changes = Changeset { cursors: vec![cursor.put()], ..Changeset::new(Timestamp::EPOCH) };
    assert_eq!(store.commit(&mut conn, &changes).await.unwrap().lost_cursor, None);
}

/// Lets time pass on the paused clock.
#[expect(clippy::disallowed_methods, reason = "the paused clock's time, which is what these tests are about")]
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
