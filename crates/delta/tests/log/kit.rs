//! What these tests share.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use delta::core::{Browse, EventTable, LogEvent, LogPage, TableEvent, TableQuery};
use delta::{
    Client, ClientSettings, EventFilter, EventLog, Loader, Log, MemoryStore, Object, Position, Result, StoreLoader,
    Timestamp,
};
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// A store whose server's time is tokio's, which the tests pause.
#[expect(clippy::disallowed_methods, reason = "the server's clock of these tests")]
pub(crate) fn store() -> MemoryStore {
    let begin = tokio::time::Instant::now();
    MemoryStore::with_clock(move || START + tokio::time::Instant::now().duration_since(begin))
}

/// Lets time pass: with the clock paused, all that is to happen until then happens.
#[expect(clippy::disallowed_methods, reason = "the clock is paused: it moves as soon as everybody waits")]
pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// How long something takes, by the paused clock.
#[expect(clippy::disallowed_methods, reason = "the clock is paused")]
pub(crate) async fn took<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let began = tokio::time::Instant::now();
    let done = future.await;
    (done, tokio::time::Instant::now().duration_since(began))
}

#[expect(clippy::disallowed_methods, reason = "a test's own task")]
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) value: u64,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }
}

pub(crate) fn item(id: impl Into<String>) -> Item {
    Item { id: id.into(), value: 0 }
}

/// A client that hardly ever polls: what its readers see in time, they were told of.
pub(crate) fn patient<S: Browse>(store: &S) -> Client<S> {
    with(store, ClientSettings::new().poll_interval(HOUR))
}

pub(crate) fn with<S: Browse>(store: &S, settings: ClientSettings) -> Client<S> {
    Client::builder(store.clone()).settings(settings).build().unwrap()
}

/// Everything of a log, from its start.
pub(crate) fn all<S: Send + Sync + 'static, E: LogEvent>(
    log: &Log<S, E>,
) -> impl Stream<Item = Result<E>> + Unpin + Send + use<S, E> {
    Box::pin(log.stream(Position::START, E::Filter::default()))
}

/// The next events, as numbers of their positions.
pub(crate) async fn take<E: LogEvent>(events: &mut (impl Stream<Item = Result<E>> + Unpin), count: usize) -> Vec<i64> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(events.next().await.unwrap().unwrap().position().get());
    }
    taken
}

/// Whether there is nothing to read, however long one waits.
pub(crate) async fn is_quiet<E: LogEvent>(events: &mut (impl Stream<Item = Result<E>> + Unpin)) -> bool {
    let at_first = events.next().now_or_never().is_none();
    pass(HOUR + SECOND).await;
    at_first && events.next().now_or_never().is_none()
}

pub(crate) fn scheduled() -> EventFilter {
    EventFilter { kinds: delta::Names::Only([delta::Name::new("item").unwrap()].into()), ..EventFilter::default() }
}

/// A table whose readers hardly ever poll.
pub(crate) fn table() -> EventTable {
    EventTable::new("user_events").poll_interval(HOUR)
}

/// A log of that table, made.
pub(crate) async fn log_of(client: &Client<MemoryStore>, table: EventTable) -> EventLog<MemoryStore> {
    let log = client.event_log(table).unwrap();
    log.create().await.unwrap();
    log
}

/// Appends one event in a transaction of its own, and wakes readers.
pub(crate) async fn append(store: &MemoryStore, log: &EventLog<MemoryStore>, foreign_id: &str) {
    let mut tx = store.begin().await.unwrap();
    let wake = log.insert(&mut tx, foreign_id, 1).await.unwrap();
    tx.commit().await.unwrap();
    wake.send();
}

type Meddle = Box<
    dyn Fn(&TableQuery, Result<LogPage<TableEvent>>) -> BoxFuture<'static, Result<LogPage<TableEvent>>> + Send + Sync,
>;

/// A loader that notes its queries, and whose answers a test meddles with.
pub(crate) struct Meddled {
    loader: StoreLoader<MemoryStore>,
    pub(crate) queries: Arc<Mutex<Vec<TableQuery>>>,
    meddle: Meddle,
}

impl Meddled {
    pub(crate) fn new<F>(
        log: &EventLog<MemoryStore>,
        meddle: impl Fn(&TableQuery, Result<LogPage<TableEvent>>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<LogPage<TableEvent>>> + Send + 'static,
    {
        let meddle: Meddle = Box::new(move |query, page| Box::pin(meddle(query, page)));
        Self { loader: log.loader(), queries: Arc::default(), meddle }
    }

    /// One that only notes.
    pub(crate) fn noted(log: &EventLog<MemoryStore>) -> Self {
        Self::new(log, |_, page| std::future::ready(page))
    }
}

impl Loader for Meddled {
    fn load<'a>(&'a self, query: &'a TableQuery) -> BoxFuture<'a, Result<LogPage<TableEvent>>> {
        self.queries.lock().unwrap().push(query.clone());
        Box::pin(async move {
            let page = self.loader.load(query).await;
            (self.meddle)(query, page).await
        })
    }
}
