//! A kind of object whose work a test gives as a closure, and waiting for conditions.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::iter::repeat_n;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{Browse, Resource as Row, Timestamp};
use delta::{
    Action, AnyClient, Builder, Client, ClientSettings, Controller, Filter, Key, MemoryStore, Object, ObjectSettings,
    Resource, State, WorkContext, WorkError,
};
use futures::future::BoxFuture;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use serde::{Deserialize, Serialize};

/// An object of the kind that tests work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        SETTINGS.with(|settings| settings.borrow().clone())
    }
}

thread_local! {
    /// The settings of the kind in the test that runs on this thread.
    static SETTINGS: std::cell::RefCell<ObjectSettings> = std::cell::RefCell::default();
}

/// Sets the settings of the kind for this test.
pub(crate) fn kind_settings(settings: ObjectSettings) {
    SETTINGS.with(|kept| *kept.borrow_mut() = settings);
}

pub(crate) fn item(id: impl Display, value: u32) -> Item {
    Item { id: format!("{id}"), value }
}

pub(crate) fn key(id: impl Display) -> Key {
    Key::new("default", "item", format!("{id}")).unwrap()
}

/// What is called for an attempt: with what it knows, owned, so that the closure's future borrows nothing.
type Work = dyn Fn(WorkContext, Resource<Item>) -> BoxFuture<'static, Result<Action, WorkError>> + Send + Sync;

/// A controller whose work a test gives.
pub(crate) struct Fake {
    work: Arc<Work>,
    delete: Arc<Work>,
}

impl Fake {
    pub(crate) fn new<F, R>(work: F) -> Self
    where
        F: Fn(WorkContext, Resource<Item>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Action, WorkError>> + Send + 'static,
    {
        Self {
            work: Arc::new(move |cx, item| Box::pin(work(cx, item))),
            delete: Arc::new(|_, _| Box::pin(async { Ok(Action::Synced) })),
        }
    }

    pub(crate) fn on_delete<F, R>(mut self, delete: F) -> Self
    where
        F: Fn(WorkContext, Resource<Item>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Action, WorkError>> + Send + 'static,
    {
        self.delete = Arc::new(move |cx, item| Box::pin(delete(cx, item)));
        self
    }
}

impl Controller for Fake {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, resource: &Resource<Item>) -> Result<Action, WorkError> {
        (self.work)(cx.clone(), resource.clone()).await
    }

    async fn delete(&self, cx: &WorkContext, resource: &Resource<Item>) -> Result<Action, WorkError> {
        (self.delete)(cx.clone(), resource.clone()).await
    }
}

/// The time of a test's server: tokio's, from some day on.
#[expect(clippy::disallowed_methods, reason = "a test's own clock")]
pub(crate) fn store() -> MemoryStore {
    let start = tokio::time::Instant::now();
    MemoryStore::with_clock(move || Timestamp::from_micros(1_750_000_000_000_000) + start.elapsed())
}

pub(crate) fn settings() -> ClientSettings {
    ClientSettings::new().seed(7).inform_interval(None)
}

pub(crate) fn builder<S: Browse>(store: &S, controller: Fake) -> Builder<S> {
    builder_of(store, controller)
}

/// For a controller of a test's own.
pub(crate) fn builder_of<S: Browse>(store: &S, controller: impl Controller<Object = Item>) -> Builder<S> {
    Client::builder(store.clone()).controller(controller).settings(settings())
}

/// The paused clock.
#[expect(clippy::disallowed_methods, reason = "a test's own clock")]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Waits until a condition holds.
#[expect(clippy::disallowed_methods, reason = "looks again, on the paused clock; nothing is timed by it")]
pub(crate) async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let start = tokio::time::Instant::now();
    for step in [1, 10, 100, 1_000].map(Duration::from_millis).into_iter().flat_map(|step| repeat_n(step, 1_000)) {
        if let Some(found) = condition().await {
            return found;
        }
        tokio::time::sleep(step).await;
    }
    panic!("waited {:?} for {what}", start.elapsed());
}

/// Waits until a resource is in a state, and gives it as stored.
pub(crate) async fn until_state(client: &AnyClient, key: &Key, state: State) -> Row {
    until(&format!("{key} to be {state:?}"), async || {
        client.record(key).await.unwrap().filter(|row| row.state == state)
    })
    .await
}

/// Waits until a number of resources are in a state.
pub(crate) async fn until_count(client: &AnyClient, state: State, number: u64) {
    until(&format!("{number} to be {state:?}"), async || {
        let counts = client.count(&Filter::default()).await.unwrap();
        let found: u64 = counts.iter().filter(|count| count.state == state).map(|count| count.count).sum();
        (found == number).then_some(())
    })
    .await;
}

/// The states that the log tells of a resource, with the kinds of its events.
pub(crate) async fn events_of(client: &AnyClient, key: &Key) -> Vec<String> {
    use delta::core::Subject;
    let query =
        delta::EventQuery { after: delta::Position::default(), limit: 10_000, filter: delta::EventFilter::default() };
    let page = client.events(&query).await.unwrap();
    let of_key = |event: &delta::Event| match &event.subject {
        Subject::Resource { key: found, .. } if found == key => Some(match event.kind {
            delta::EventKind::Scheduled(reason) => format!("scheduled({})", reason.as_str()),
            kind => kind.as_str().trim_start_matches("object_").to_owned(),
        }),
        _ => None,
    };
    page.events.iter().filter_map(of_key).collect()
}

/// Counts what happens, by name, and the most that happened at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    running: BTreeMap<String, usize>,
    most: BTreeMap<String, usize>,
    total: BTreeMap<String, usize>,
}

/// Something that is happening.
pub(crate) struct Happening {
    tally: Tally,
    names: Vec<String>,
}

impl Tally {
    pub(crate) fn begin(&self, names: impl IntoIterator<Item = String>) -> Happening {
        let names: Vec<String> = names.into_iter().collect();
        let mut counts = self.0.lock().unwrap();
        for name in &names {
            *counts.total.entry(name.clone()).or_default() += 1;
            let running = counts.running.entry(name.clone()).or_default();
            *running += 1;
            let running = *running;
            let most = counts.most.entry(name.clone()).or_default();
            *most = running.max(*most);
        }
        Happening { tally: self.clone(), names }
    }

    pub(crate) fn running(&self, name: &str) -> usize {
        self.0.lock().unwrap().running.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn most(&self, name: &str) -> usize {
        self.0.lock().unwrap().most.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self, name: &str) -> usize {
        self.0.lock().unwrap().total.get(name).copied().unwrap_or(0)
    }
}

impl Drop for Happening {
    fn drop(&mut self) {
        let mut counts = self.tally.0.lock().unwrap();
        for name in &self.names {
            if let Some(running) = counts.running.get_mut(name) {
                *running -= 1;
            }
        }
    }
}

/// Lets time pass on the paused clock: what a worker's calls to the outside take.
#[expect(clippy::disallowed_methods, reason = "the paused clock's time, which is what these tests are about")]
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The metrics that this test's thread emits.
pub(crate) struct Metrics {
    snapshots: Snapshotter,
    _recorder: metrics::LocalRecorderGuard<'static>,
}

impl Metrics {
    pub(crate) fn record() -> Self {
        // A test's recorder lives as long as the test's process.
        let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
        Self { snapshots: recorder.snapshotter(), _recorder: metrics::set_default_local_recorder(recorder) }
    }

    /// All since the last call, by name and values of labels: the sum of a counter, the number of a histogram's values.
    pub(crate) fn take(&self) -> BTreeMap<String, f64> {
        let mut found = BTreeMap::new();
        for (key, _, _, value) in self.snapshots.snapshot().into_vec() {
            let labels = key.key().labels().map(|label| format!(" {}", label.value()));
            let name = format!("{}{}", key.key().name(), labels.collect::<String>());
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let number = match value {
                DebugValue::Counter(number) => number as f64,
                DebugValue::Gauge(number) => number.0,
                DebugValue::Histogram(values) => values.len() as f64,
            };
            found.insert(name, number);
        }
        found
    }
}
