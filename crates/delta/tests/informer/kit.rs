//! What the tests of informers and of maintenance share: a scripted outside, a store on tokio's clock, and a worker by hand.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use delta::core::plan::{self, Report, schedule};
use delta::core::{
    Access, Browse, Changeset, ClaimRequest, Cursor, CursorQuery, EventObjects, LaneQuery, LeaseToken, Names, Owner,
    Store,
};
use delta::{
    Action, AnyClient, Client, ClientSettings, Controller, Error, Filter, InformContext, InformError, InformRun,
    InformSummary, Key, ListQuery, MemoryStore, Missing, MissingLimit, Object, ObjectSettings, Resource,
    ScheduleInform, State, Timestamp, WorkContext, WorkError,
};
use futures::FutureExt as _;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// A store whose server's time is tokio's, which the tests pause.
#[expect(clippy::disallowed_methods, reason = "the server's clock of these tests")]
pub(crate) fn store() -> MemoryStore {
    let begin = tokio::time::Instant::now();
    MemoryStore::with_clock(move || START + tokio::time::Instant::now().duration_since(begin))
}

/// Lets time pass, one poll after the other.
#[expect(clippy::disallowed_methods, reason = "the clock is paused: it moves as soon as everybody waits")]
pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits until something holds. With the clock paused this takes no time of ours; it fails after a virtual day.
pub(crate) async fn until<F: AsyncFn() -> bool>(what: &str, holds: F) {
    for _ in 0..200_000 {
        if holds().await {
            return;
        }
        pass(Duration::from_millis(500)).await;
    }
    panic!("never: {what}");
}

/// A kind of object with its settings.
pub(crate) trait Traits: Send + Sync + 'static {
    const KIND: &'static str;

    fn settings() -> ObjectSettings {
        ObjectSettings::new()
    }
}

macro_rules! kinds {
    ($($name:ident = $kind:literal, $settings:expr;)*) => {$(
        #[derive(Debug)]
        pub(crate) struct $name;

        impl $crate::kit::Traits for $name {
            const KIND: &'static str = $kind;

            fn settings() -> delta::ObjectSettings {
                $settings
            }
        }
    )*};
}

kinds! {
    Plain = "plain", ObjectSettings::new();
    Deleting = "deleting", ObjectSettings::new().missing(Missing::Delete);
    Working = "working", ObjectSettings::new().missing(Missing::Work);
    Cautious = "cautious", ObjectSettings::new().missing(Missing::Delete).missing_limit(MissingLimit { share: 0.5, at_least: 1 });
    Seldom = "seldom", ObjectSettings::new().inform_interval(None);
    Patient = "patient", ObjectSettings::new().inform_timeout(None);
    Ordered = "ordered", ObjectSettings::new().missing(Missing::Delete);
}

/// An object.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Item<K> {
    pub id: String,
    pub value: u32,
    pub at: Option<DateTime<Utc>>,
    #[serde(skip)]
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K: Traits> Object for Item<K> {
    const KIND: &'static str = K::KIND;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn created_at(&self) -> Option<DateTime<Utc>> {
        self.at
    }

    /// Only objects of the kind `ordered` know which is newer.
    fn compare(&self, stored: &Self) -> Option<Ordering> {
        (K::KIND == Ordered::KIND).then(|| self.value.cmp(&stored.value))
    }

    fn settings() -> ObjectSettings {
        K::settings()
    }
}

pub(crate) fn item<K>(id: &str) -> Item<K> {
    Item { id: id.to_owned(), value: 0, at: None, kind: std::marker::PhantomData }
}

impl<K> Item<K> {
    pub(crate) fn value(mut self, value: u32) -> Self {
        self.value = value;
        self
    }

    pub(crate) fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at.into());
        self
    }
}

/// What an informer does next.
pub(crate) enum Step<K> {
    Give(Item<K>),
    Wait(Duration),
    Fail,
    Panic,
    /// As the first step: there is not even a stream.
    PanicAtOnce,
    Hang,
    DeclareFull,
    Do(Box<dyn FnOnce() + Send>),
}

/// What the informer was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub at: Timestamp,
    pub after: Option<Timestamp>,
    pub full: bool,
    pub namespace: String,
    pub limit: Option<u64>,
    pub label: Option<String>,
    pub order: Option<String>,
    pub cancellation: tokio_util::sync::CancellationToken,
}

/// The outside: each run of the informer takes the next script, and the last one again when there is no next.
pub(crate) struct Outside<K>(Arc<Mutex<Inner<K>>>);

impl<K> Clone for Outside<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<K> {
    scripts: VecDeque<Vec<Step<K>>>,
    asked: Vec<Asked>,
    store: MemoryStore,
}

impl<K: Traits> Outside<K> {
    pub(crate) fn new(store: &MemoryStore) -> Self {
        let inner = Inner { scripts: VecDeque::new(), asked: Vec::new(), store: store.clone() };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Adds the script of another run; without one, a run gives nothing.
    pub(crate) fn then(&self, steps: impl IntoIterator<Item = Step<K>>) -> &Self {
        self.0.lock().unwrap().scripts.push_back(steps.into_iter().collect());
        self
    }

    /// Adds the script of a run that gives these.
    pub(crate) fn gives(&self, items: impl IntoIterator<Item = Item<K>>) -> &Self {
        self.then(items.into_iter().map(Step::Give))
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    pub(crate) fn runs(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }
}

/// A controller whose informer follows scripts and whose worker succeeds.
pub(crate) struct Scripted<K>(pub Outside<K>);

impl<K: Traits> Controller for Scripted<K> {
    type Object = Item<K>;

    async fn work(&self, _: &WorkContext, _: &Resource<Item<K>>) -> Result<Action, WorkError> {
        Ok(Action::Synced)
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<Item<K>, InformError>> + Send {
        let mut inner = self.0.0.lock().unwrap();
        let asked = Asked {
            at: now(&inner.store).now_or_never().unwrap(),
            after: cx.after().map(Into::into),
            full: cx.is_full(),
            namespace: cx.namespace().to_owned(),
            limit: cx.limit(),
            label: cx.labels().get("label").cloned(),
            order: cx.order().map(str::to_owned),
            cancellation: cx.cancellation().clone(),
        };
        inner.asked.push(asked);
        let steps = inner.scripts.pop_front().unwrap_or_default();
        drop(inner);
        assert!(!matches!(steps.first(), Some(Step::PanicAtOnce)), "informer of the test");
        stream::unfold((VecDeque::from(steps), cx), |(mut steps, cx)| async {
            loop {
                match steps.pop_front()? {
                    Step::Give(item) => return Some((Ok(item), (steps, cx))),
                    Step::Fail => return Some((Err(InformError::new("outside is down")), (steps, cx))),
                    Step::Wait(duration) => pass(duration).await,
                    Step::Panic | Step::PanicAtOnce => panic!("informer of the test"),
                    Step::Hang => futures::future::pending().await,
                    Step::DeclareFull => cx.declare_full(),
                    Step::Do(action) => action(),
                }
            }
        })
    }
}

pub(crate) fn settings() -> ClientSettings {
    ClientSettings::new().inform_jitter(Duration::ZERO).seed(rand_seed())
}

/// No two clients of one database may have the same seed.
fn rand_seed() -> u64 {
    use std::sync::atomic::{self, AtomicU64};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, atomic::Ordering::Relaxed)
}

pub(crate) fn client<K: Traits>(store: &MemoryStore, outside: &Outside<K>) -> Client<MemoryStore> {
    client_with(store, outside, settings())
}

pub(crate) fn client_with<K: Traits, S: Browse>(
    store: &S,
    outside: &Outside<K>,
    settings: ClientSettings,
) -> Client<S> {
    Client::builder(store.clone()).controller(Scripted(outside.clone())).settings(settings).build().unwrap()
}

pub(crate) async fn now(store: &MemoryStore) -> Timestamp {
    let mut conn = store.acquire(Access::Read).await.unwrap();
    store.now(&mut conn).await.unwrap()
}

pub(crate) async fn cursors(store: &MemoryStore, prefix: &str) -> Vec<Cursor> {
    let mut conn = store.acquire(Access::Read).await.unwrap();
    store.cursors(&mut conn, &CursorQuery::Prefix(prefix.to_owned())).await.unwrap()
}

pub(crate) async fn cursor(store: &MemoryStore, name: &str) -> Option<Cursor> {
    let mut conn = store.acquire(Access::Read).await.unwrap();
    store.cursors(&mut conn, &CursorQuery::Names(vec![name.to_owned()])).await.unwrap().pop()
}

/// Writes over a cursor, whatever anybody thinks.
pub(crate) async fn overwrite(store: &MemoryStore, name: &str, change: impl FnOnce(Cursor) -> Cursor) {
    let stored = cursor(store, name).await.unwrap_or_else(|| Cursor::new(name));
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let now = store.now(&mut conn).await.unwrap();
    let changes = Changeset { cursors: vec![change(stored).put()], ..Changeset::new(now) };
    assert_eq!(store.commit(&mut conn, &changes).await.unwrap().lost_cursor, None);
}

/// The high-water mark of a kind in a namespace.
pub(crate) async fn mark<K: Traits>(store: &MemoryStore, namespace: &str) -> Option<Timestamp> {
    let cursor = cursor(store, &format!("inform/mark/{}/{namespace}", K::KIND)).await?;
    schedule::high_water(&cursor)
}

pub(crate) async fn schedule_of<K: Traits>(store: &MemoryStore) -> Cursor {
    cursor(store, &format!("inform/schedule/{}", K::KIND)).await.unwrap()
}

/// A run in the foreground.
pub(crate) fn here() -> ScheduleInform {
    ScheduleInform::new().run(InformRun::Foreground)
}

pub(crate) async fn inform<K: Traits>(client: &AnyClient, request: ScheduleInform) -> Result<InformSummary, Error> {
    client.schedule_inform(K::KIND, request).await.map(Option::unwrap)
}

/// Claims all that is due, by hand, as a worker of another process.
pub(crate) async fn claim_all(store: &MemoryStore, owner: i64, lease: Duration) -> Vec<delta::core::Resource> {
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let now = store.now(&mut conn).await.unwrap();
    let lanes = LaneQuery { now, namespaces: Names::All, kinds: Names::All };
    let lanes = store.lanes(&mut conn, &lanes).await.unwrap();
    let request = ClaimRequest {
        now,
        owner: Owner::new(owner),
        base: LeaseToken::new(owner * 1_000_000 + now.as_micros() % 1_000_000),
        until: now + lease,
        lanes: lanes.into_iter().map(|lane| (lane, 10_000)).collect(),
    };
    store.claim(&mut conn, &Changeset::new(now), &request).await.unwrap().resources
}

/// Works all that is due, by hand.
pub(crate) async fn settle_all(store: &MemoryStore, report: &Report) {
    let claimed = claim_all(store, 7, MINUTE).await;
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let now = store.now(&mut conn).await.unwrap();
    let settle = |row| plan::settle(row, report, EventObjects::Omit, now).unwrap();
    let changes = Changeset { changes: claimed.iter().map(settle).collect(), ..Changeset::new(now) };
    store.commit(&mut conn, &changes).await.unwrap();
}

pub(crate) async fn sync_all(store: &MemoryStore) {
    settle_all(store, &Report::Synced).await;
}

pub(crate) async fn rows(client: &AnyClient) -> Vec<delta::core::Resource> {
    let query = ListQuery {
        filter: Filter::default(),
        after: delta::ResourceId::default(),
        limit: 100_000,
        depth: delta::core::Depth::Full,
    };
    client.list(&query).await.unwrap()
}

pub(crate) async fn row(client: &AnyClient, id: &str) -> delta::core::Resource {
    rows(client).await.into_iter().find(|row| row.key.object_id.as_str() == id).unwrap()
}

pub(crate) async fn states(client: &AnyClient) -> Vec<(String, State)> {
    let mut states: Vec<_> =
        rows(client).await.into_iter().map(|row| (row.key.object_id.to_string(), row.state)).collect();
    states.sort_by(|left, right| left.0.cmp(&right.0));
    states
}

pub(crate) fn key<K: Traits>(id: &str) -> Key {
    Key {
        namespace: delta::Name::new("default").unwrap(),
        kind: delta::Name::new(K::KIND).unwrap(),
        object_id: delta::core::ObjectId::new(id).unwrap(),
    }
}
