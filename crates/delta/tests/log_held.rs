//! One transaction that has appended is kept open, and readers wait for it; any other keeps nobody.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

#[path = "log_kit/mod.rs"]
#[expect(dead_code, reason = "shared")]
mod log_kit;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{Access, Changeset, Cursor, LogEvent};
use delta::{Client, Log, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, Position, Timestamp};
use delta_testkit::Backend;
use futures::StreamExt as _;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::registry::{AtomicStorage, Registry};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::log_kit::channel::{Channel, Own, Table, seen, table};
use crate::log_kit::opened::{Opened, client, of_table, own};
use crate::log_kit::place::{Database, Place};

/// How soon it must be known who holds readers back, on a machine that is busy with other tests, too; a second is what is
/// meant, and what is printed is well below it where nothing else runs.
const SOON: Duration = Duration::from_secs(5);

macro_rules! on {
    ($($test:ident, $other:ident: $backend:ident $database:ident, $store:ty, $log:ident;)*) => {$(
        #[tokio::test]
        async fn $test() {
            if Backend::$backend.enabled() {
                let database = Database::$database().await;
                let client = client(database.store::<$store>().await);
                let [channel, _] = channels(&client).await.$log();
                held(&client, &*channel, $log).await;
            }
        }

        #[tokio::test]
        async fn $other() {
            if Backend::$backend.enabled() {
                let database = Database::$database().await;
                let client = client(database.store::<$store>().await);
                let [channel, other] = channels(&client).await.$log();
                free(&client, &*channel, &*other, $log).await;
            }
        }
    )*};
}

on! {
    postgres_names_who_holds_the_log_back_and_skips_nothing,
    other_transactions_on_postgres_hold_nobody_back_from_the_log:
        Postgres postgres, PgStore, own;
    postgres_names_who_holds_a_table_back_and_skips_nothing,
    other_transactions_on_postgres_hold_nobody_back_from_a_table:
        Postgres postgres, PgStore, of_table;
    postgres_through_diesel_names_who_holds_the_log_back_and_skips_nothing,
    other_transactions_on_postgres_through_diesel_hold_nobody_back_from_the_log:
        Postgres postgres, PgDieselStore, own;
    postgres_through_diesel_names_who_holds_a_table_back_and_skips_nothing,
    other_transactions_on_postgres_through_diesel_hold_nobody_back_from_a_table:
        Postgres postgres, PgDieselStore, of_table;
    mariadb_names_who_holds_the_log_back_and_skips_nothing,
    other_transactions_on_mariadb_hold_nobody_back_from_the_log:
        MariaDb mariadb, MySqlStore, own;
    mariadb_names_who_holds_a_table_back_and_skips_nothing,
    other_transactions_on_mariadb_hold_nobody_back_from_a_table:
        MariaDb mariadb, MySqlStore, of_table;
    mariadb_through_diesel_names_who_holds_the_log_back_and_skips_nothing,
    other_transactions_on_mariadb_through_diesel_hold_nobody_back_from_the_log:
        MariaDb mariadb, MySqlDieselStore, own;
    mariadb_through_diesel_names_who_holds_a_table_back_and_skips_nothing,
    other_transactions_on_mariadb_through_diesel_hold_nobody_back_from_a_table:
        MariaDb mariadb, MySqlDieselStore, of_table;
}

/// Delta's own log and a table's.
struct Channels<S: Place>(Own<S>, Table<S>);

async fn channels<S: Place>(client: &Client<S>) -> Channels<S> {
    Channels(Own(client.clone()), Table::create(client.store().clone(), table()).await)
}

impl<S: Place> Channels<S> {
    fn own(self) -> [Box<dyn Channel<S>>; 2] {
        [Box::new(self.0), Box::new(self.1)]
    }

    fn of_table(self) -> [Box<dyn Channel<S>>; 2] {
        [Box::new(self.1), Box::new(self.0)]
    }
}

/// What a reader got who follows a log.
struct Followed {
    labels: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Followed {
    fn start<S: Place, E: LogEvent>(log: &Log<S, E>) -> Self {
        let labels: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut events = Box::pin(log.stream(Position::START, E::Filter::default()));
        let mut task = JoinSet::new();
        task.spawn({
            let labels = labels.clone();
            async move {
                while let Some(event) = events.next().await {
                    labels.lock().unwrap().push(seen(&event.unwrap()).label);
                }
            }
        });
        Self { labels, _task: task }
    }

    fn labels(&self) -> Vec<String> {
        self.labels.lock().unwrap().clone()
    }

    /// Waits until the reader has got so many, and compares.
    async fn is(&self, expected: &[String]) {
        let what = format!("the reader has {} events", expected.len());
        wait_until(&what, async || self.labels().len() >= expected.len()).await;
        assert_eq!(self.labels(), expected);
    }
}

async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..1_500 {
        tick.tick().await;
        if condition().await {
            return;
        }
    }
    panic!("not within half a minute: {what}");
}

/// Appends events in a transaction of its own.
async fn commit<S: Place>(client: &Client<S>, channel: &dyn Channel<S>, labels: &[String]) {
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.begin_tx(&mut conn).await.unwrap();
    channel.append(&mut conn, labels).await.unwrap();
    store.commit_tx(&mut conn).await.unwrap();
}

fn labels(of: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{of}-{number}")).collect()
}

/// The gauges as they stand.
#[derive(Clone)]
struct Gauges(Arc<Registry<Key, AtomicStorage>>);

impl Gauges {
    /// That of a log.
    fn of<S: Place, E: LogEvent>(&self, log: &Log<S, E>, name: &str, session: Option<&str>) -> f64 {
        let is = |key: &Key, label: &str, value: &str| {
            key.labels().any(|found| found.key() == label && found.value() == value)
        };
        let handles = self.0.get_gauge_handles();
        let found = handles.iter().find(|(key, _)| {
            key.name() == name
                && is(key, "log", log.name().as_str())
                && session.is_none_or(|session| is(key, "session", session))
        });
        found.map_or(0.0, |(_, value)| f64::from_bits(value.load(Ordering::SeqCst)))
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.0.get_or_create_gauge(key, |gauge| gauge.clone().into())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

async fn held<S: Place, E: LogEvent>(client: &Client<S>, channel: &dyn Channel<S>, open: Opened<S, E>) {
    let gauges = Gauges(Arc::new(Registry::atomic()));
    let _recording = metrics::set_default_local_recorder(&gauges);
    let (store, log) = (client.store(), open(client));
    let followed = Followed::start(&log);
    let mut expected = labels("before", 3);
    commit(client, channel, &expected).await;
    followed.is(&expected).await;
    let mut soonest = Duration::MAX;
    // The machine may be busy with other tests for one of them.
    for (round, keeps) in [true, false, true].into_iter().enumerate() {
        let mut holder = store.acquire(Access::Write).await.unwrap();
        store.begin_tx(&mut holder).await.unwrap();
        let own = labels(&format!("held-{round}"), 3);
        channel.append(&mut holder, &own).await.unwrap();
        let since = now();
        let session = S::session(&mut holder).await;
        let mut behind = Vec::new();
        for number in 0..5 {
            behind.extend(labels(&format!("behind-{round}-{number}"), 4));
            commit(client, channel, &behind[behind.len() - 4..]).await;
        }
        wait_until("it is known who holds the log back", async || {
            let holders = log.why_stalled().await.unwrap();
            assert_eq!(holders.len(), 1, "{holders:?}");
            let holder = &holders[0];
            assert!(holder.age <= now() - since + SOON, "{holders:?}");
            // MariaDB knows ages in seconds.
            holder.session == session && holder.age > Duration::ZERO
        })
        .await;
        wait_until("the metrics name the holder", async || {
            gauges.of(&log, "delta_log_held_seconds", Some(&session)) > 0.0
                && gauges.of(&log, "delta_log_held_back", None) > 0.0
        })
        .await;
        soonest = soonest.min(now() - since);
        for _ in 0..20 {
            let page = log.page(Position::START, 1_000, &E::Filter::default()).await.unwrap();
            let found: Vec<String> = page.events.iter().map(|event| seen(event).label).collect();
            assert_eq!((found, page.held_back > 0), (expected.clone(), true));
            assert_eq!(followed.labels(), expected);
        }
        if keeps {
            store.commit_tx(&mut holder).await.unwrap();
            expected.extend(own);
        } else {
            store.rollback_tx(&mut holder).await.unwrap();
        }
        expected.extend(behind);
        followed.is(&expected).await;
        wait_until("the metrics say that nobody holds any more", async || {
            gauges.of(&log, "delta_log_held_seconds", Some(&session)) <= 0.0
                && gauges.of(&log, "delta_log_held_back", None) <= 0.0
        })
        .await;
        assert_eq!(log.why_stalled().await.unwrap(), []);
        assert_eq!(log.head().await.unwrap().held_back, 0);
    }
    println!("{}: named within {soonest:?}", S::NAME);
    assert!(soonest <= SOON, "it took {soonest:?} to name who holds readers back");
}

#[expect(clippy::disallowed_methods, reason = "how soon it is known is what is measured")]
fn now() -> Instant {
    Instant::now()
}

/// Transactions that have not appended to this log.
async fn free<S: Place, E: LogEvent>(
    client: &Client<S>,
    channel: &dyn Channel<S>,
    other: &dyn Channel<S>,
    open: Opened<S, E>,
) {
    let (store, log) = (client.store(), open(client));
    let followed = Followed::start(&log);
    let mut expected = labels("before", 3);
    commit(client, channel, &expected).await;
    commit(client, other, &labels("other", 3)).await;
    followed.is(&expected).await;
    let mut conn = store.acquire(Access::Write).await.unwrap();
    S::execute(&mut conn, "CREATE TABLE elsewhere (id bigint PRIMARY KEY, value bigint NOT NULL)").await;
    drop(conn);

    let begin = async || {
        let mut conn = store.acquire(Access::Write).await.unwrap();
        store.begin_tx(&mut conn).await.unwrap();
        conn
    };
    let mut writer = begin().await;
    S::execute(&mut writer, "INSERT INTO elsewhere VALUES (1, 1)").await;
    let mut reader = begin().await;
    S::execute(&mut reader, "SELECT count(*) FROM elsewhere").await;
    let mut mover = begin().await;
    let mut changes = Changeset::new(Timestamp::EPOCH);
    changes.cursors.push(Cursor::new("somebody").put());
    store.commit(&mut mover, &changes).await.unwrap();
    let mut appender = begin().await;
    other.append(&mut appender, &labels("elsewhere", 3)).await.unwrap();

    for number in 0..10 {
        let more = labels(&format!("more-{number}"), 3);
        commit(client, channel, &more).await;
        expected.extend(more);
        followed.is(&expected).await;
        let head = log.head().await.unwrap();
        assert_eq!(head.held_back, 0);
        assert_eq!(log.why_stalled().await.unwrap(), []);
    }
    for mut conn in [writer, reader, mover, appender] {
        store.rollback_tx(&mut conn).await.unwrap();
    }
}
