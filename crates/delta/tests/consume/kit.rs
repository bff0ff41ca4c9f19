//! A log to consume, and handlers that note what they see.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::plan::consume::{self, Standing};
use delta::core::{Access, Changeset, Cursor, CursorQuery, LogEvent as _, LogName, Store as _, Timestamp};
use delta::{Client, ClientSettings, ConsumeError, Consumer, Event, MemoryStore, Object, Position};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub(crate) type Mail = Consumer<MemoryStore, Event>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// A store whose time goes on with the test's.
pub(crate) fn store() -> MemoryStore {
    let start = now();
    MemoryStore::with_clock(move || Timestamp::from_micros(1_750_000_000_000_000) + start.elapsed())
}

/// A client of its own, as of another process, on a store.
pub(crate) fn client(store: &MemoryStore) -> Client<MemoryStore> {
    Client::builder(store.clone()).settings(ClientSettings::new()).build().unwrap()
}

/// A client on a store of its own whose log holds so many events, at the positions from 1.
pub(crate) async fn with_events(events: usize) -> Client<MemoryStore> {
    let client = client(&store());
    append(&client, 1, events).await;
    client
}

/// Appends so many events, about new items whose ids are numbers from `first`.
pub(crate) async fn append(client: &Client<MemoryStore>, first: usize, events: usize) {
    let items: Vec<Item> = (first..first + events).map(|id| Item { id: id.to_string() }).collect();
    client.inform_many(items).await.unwrap();
}

/// What handlers have seen, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Seen(Arc<Mutex<Vec<i64>>>, watch::Sender<usize>);

impl Seen {
    pub(crate) fn new() -> Self {
        Self(Arc::default(), watch::Sender::new(0))
    }

    pub(crate) fn note(&self, event: &Event) {
        let mut seen = self.0.lock().unwrap();
        seen.push(event.position().get());
        self.1.send_replace(seen.len());
    }

    pub(crate) fn all(&self) -> Vec<i64> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many were noted.
    pub(crate) async fn wait(&self, events: usize) {
        let mut told = self.1.subscribe();
        let waited = tokio::time::timeout(HOUR, told.wait_for(|seen| *seen >= events)).await.is_ok();
        assert!(waited, "expected {events} events, saw {:?}", self.all());
    }

    /// A consumer that notes and does nothing else.
    pub(crate) fn consumer(&self, name: &str) -> Mail {
        let seen = self.clone();
        Consumer::new(name, move |_, event: Event| {
            let seen = seen.clone();
            async move {
                seen.note(&event);
                Ok::<(), ConsumeError>(())
            }
        })
    }
}

pub(crate) const HOUR: Duration = Duration::from_hours(1);

pub(crate) fn error(text: impl Display) -> ConsumeError {
    ConsumeError::new(text.to_string())
}

/// Where a consumer stands, as its cursor says.
pub(crate) async fn standing(client: &Client<MemoryStore>, consumer: &str) -> Option<Standing> {
    let cursor = cursor(client, &consume::cursor_name(&LogName::own(), consumer)).await?;
    Standing::of(&cursor).unwrap()
}

/// The position of a consumer's cursor; 0 if there is none.
pub(crate) async fn position(client: &Client<MemoryStore>, consumer: &str) -> i64 {
    standing(client, consumer).await.and_then(|standing| standing.position).map_or(0, Position::get)
}

pub(crate) async fn cursor(client: &Client<MemoryStore>, name: &str) -> Option<Cursor> {
    let store = client.store();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    store.cursors(&mut conn, &CursorQuery::Names(vec![name.to_owned()])).await.unwrap().pop()
}

/// Writes a consumer's cursor by hand, whoever holds it.
pub(crate) async fn by_hand(client: &Client<MemoryStore>, consumer: &str, change: impl FnOnce(Cursor) -> Cursor) {
    let name = consume::cursor_name(&LogName::own(), consumer);
    let cursor = cursor(client, &name).await.unwrap_or_else(|| Cursor::new(name));
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let cursors = vec![change(cursor).put()];
    let changes = Changeset { cursors, ..Changeset::new(Timestamp::EPOCH) };
    let receipt = store.commit(&mut conn, &changes).await.unwrap();
    assert_eq!(receipt.lost_cursor, None);
}

/// Lets everything else run until it waits.
pub(crate) async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[expect(clippy::disallowed_methods, reason = "a test's own process")]
pub(crate) fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

#[expect(clippy::disallowed_methods, reason = "moves the paused clock")]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[expect(clippy::disallowed_methods, reason = "reads the paused clock")]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
