//! What somebody's hand, a wrong table or another program does to consumers: errors that say so, and nothing is lost.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

#[path = "log_kit/mod.rs"]
#[expect(dead_code, reason = "shared")]
mod log_kit;

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::plan::consume::{Standing, cursor_name};
use delta::core::{Access, Changeset, Cursor, CursorQuery, LogEvent, LogPage, TableEvent, TableQuery};
use delta::{
    Client, ConsumeError, Consumer, CursorWrites, ErrorKind, EventLog, Loader, Log, MySqlDieselStore, MySqlStore,
    PgDieselStore, PgStore, Position, SqliteStore, StoreLoader, Timestamp,
};
use delta_testkit::Backend;
use futures::future::BoxFuture;
use tokio::task::JoinSet;

use crate::log_kit::channel::{Channel, Own, Table, seen, table};
use crate::log_kit::opened::{client, of_table, own};
use crate::log_kit::place::{Database, Place};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

macro_rules! on {
    ($($back:ident, $forged:ident, $table:ident, $name:ident: $backend:ident, $store:ty;)*) => {$(
        #[tokio::test]
        async fn $back() {
            if Backend::$backend.enabled() {
                let database = database(Backend::$backend).await;
                let logs = Logs::new(client(database.store::<$store>().await)).await;
                moved_back(&logs.client, &logs.own, &own(&logs.client)).await;
                moved_back(&logs.client, &logs.table, &of_table(&logs.client)).await;
            }
        }

        #[tokio::test]
        async fn $forged() {
            if Backend::$backend.enabled() {
                let database = database(Backend::$backend).await;
                let logs = Logs::new(client(database.store::<$store>().await)).await;
                let (own, table) = (own(&logs.client), of_table(&logs.client));
                forged(&logs.client, &logs.own, &own, &table).await;
                forged(&logs.client, &logs.table, &table, &own).await;
            }
        }

        #[tokio::test]
        async fn $table() {
            if Backend::$backend.enabled() {
                let database = database(Backend::$backend).await;
                let logs = Logs::new(client(database.store::<$store>().await)).await;
                wrong_table(&logs).await;
            }
        }

        #[tokio::test]
        async fn $name() {
            if Backend::$backend.enabled() {
                let database = database(Backend::$backend).await;
                let logs = Logs::new(client(database.store::<$store>().await)).await;
                let other = client(database.store::<$store>().await);
                in_use(&logs.client, &logs.own, &own(&logs.client), &own(&other)).await;
                in_use(&logs.client, &logs.table, &of_table(&logs.client), &of_table(&other)).await;
            }
        }
    )*};
}

on! {
    a_cursor_moved_back_while_its_consumer_runs_is_followed_on_sqlite,
    a_forged_cursor_is_refused_and_stays_on_sqlite,
    a_wrong_event_table_is_named_and_keeps_its_events_on_sqlite,
    a_name_in_use_is_refused_and_its_holder_goes_on_on_sqlite:
        Sqlite, SqliteStore;
    a_cursor_moved_back_while_its_consumer_runs_is_followed_on_postgres,
    a_forged_cursor_is_refused_and_stays_on_postgres,
    a_wrong_event_table_is_named_and_keeps_its_events_on_postgres,
    a_name_in_use_is_refused_and_its_holder_goes_on_on_postgres:
        Postgres, PgStore;
    a_cursor_moved_back_while_its_consumer_runs_is_followed_on_postgres_through_diesel,
    a_forged_cursor_is_refused_and_stays_on_postgres_through_diesel,
    a_wrong_event_table_is_named_and_keeps_its_events_on_postgres_through_diesel,
    a_name_in_use_is_refused_and_its_holder_goes_on_on_postgres_through_diesel:
        Postgres, PgDieselStore;
    a_cursor_moved_back_while_its_consumer_runs_is_followed_on_mariadb,
    a_forged_cursor_is_refused_and_stays_on_mariadb,
    a_wrong_event_table_is_named_and_keeps_its_events_on_mariadb,
    a_name_in_use_is_refused_and_its_holder_goes_on_on_mariadb:
        MariaDb, MySqlStore;
    a_cursor_moved_back_while_its_consumer_runs_is_followed_on_mariadb_through_diesel,
    a_forged_cursor_is_refused_and_stays_on_mariadb_through_diesel,
    a_wrong_event_table_is_named_and_keeps_its_events_on_mariadb_through_diesel,
    a_name_in_use_is_refused_and_its_holder_goes_on_on_mariadb_through_diesel:
        MariaDb, MySqlDieselStore;
}

async fn database(backend: Backend) -> Database {
    match backend {
        Backend::Postgres => Database::postgres().await,
        Backend::MariaDb => Database::mariadb().await,
        Backend::Sqlite => Database::sqlite(),
        other => panic!("no test here is on {other:?}"),
    }
}

/// Delta's own log and a table's.
struct Logs<S: Place> {
    client: Client<S>,
    own: Own<S>,
    table: Table<S>,
}

impl<S: Place> Logs<S> {
    async fn new(client: Client<S>) -> Self {
        let (own, table) = (Own(client.clone()), Table::create(client.store().clone(), table()).await);
        Self { client, own, table }
    }
}

/// What consumers were given.
#[derive(Clone, Default)]
struct Given(Arc<Mutex<Vec<String>>>);

impl Given {
    fn consumer<S: Place, E: LogEvent>(&self, name: &str) -> Consumer<S, E> {
        let given = self.clone();
        Consumer::new(name, move |_, event: E| {
            given.0.lock().unwrap().push(seen(&event).label);
            async { Ok::<(), ConsumeError>(()) }
        })
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many were given, and compares.
    async fn is(&self, expected: &[String]) {
        wait_until("all is given", async || self.all().len() >= expected.len()).await;
        assert_eq!(self.all(), expected);
    }
}

async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let met = async {
        loop {
            tick.tick().await;
            if condition().await {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(LONG, met).await.is_ok(), "not in time: {what}");
}

fn labels(of: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{of}-{number}")).collect()
}

/// Appends events in a transaction of its own.
async fn append<S: Place>(client: &Client<S>, channel: &dyn Channel<S>, labels: &[String]) {
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.begin_tx(&mut conn).await.unwrap();
    channel.append(&mut conn, labels).await.unwrap();
    store.commit_tx(&mut conn).await.unwrap();
}

/// The row of a consumer's cursor.
async fn row<S: Place, E: LogEvent>(client: &Client<S>, log: &Log<S, E>, consumer: &str) -> Cursor {
    let (store, name) = (client.store(), cursor_name(log.name(), consumer));
    let mut conn = store.acquire(Access::Read).await.unwrap();
    store.cursors(&mut conn, &CursorQuery::Names(vec![name])).await.unwrap().pop().unwrap()
}

async fn position<S: Place, E: LogEvent>(client: &Client<S>, log: &Log<S, E>, consumer: &str) -> Option<Position> {
    Standing::of(&row(client, log, consumer).await).unwrap().unwrap().position
}

/// Writes a cursor by hand, whoever holds it, and returns it as it is then.
async fn by_hand<S: Place, E: LogEvent>(
    client: &Client<S>,
    log: &Log<S, E>,
    consumer: &str,
    change: impl Fn(Cursor) -> Cursor + Send + Sync,
) -> Cursor {
    for _ in 0..100 {
        let moved = change(row(client, log, consumer).await);
        let mut conn = client.store().acquire(Access::Write).await.unwrap();
        let changes = Changeset { cursors: vec![moved.clone().put()], ..Changeset::new(Timestamp::EPOCH) };
        if client.store().commit(&mut conn, &changes).await.unwrap().lost_cursor.is_none() {
            return Cursor { version: moved.version + 1, ..moved };
        }
    }
    panic!("others wrote the cursor of {consumer} all the time");
}

async fn places<S: Place, E: LogEvent>(log: &Log<S, E>) -> LogPage<E> {
    log.page(Position::START, 1_000, &E::Filter::default()).await.unwrap()
}

/// Runs a consumer in a task, until the set is dropped.
fn run<S: Place, E: LogEvent>(log: &Log<S, E>, consumer: Consumer<S, E>) -> JoinSet<()> {
    let log = log.clone();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let running = log.consumer(consumer).lease(Duration::from_millis(900));
        running.cursor(CursorWrites::Every(Duration::from_millis(50))).run(pending()).await.unwrap();
    });
    task
}

async fn moved_back<S: Place, E: LogEvent>(client: &Client<S>, channel: &dyn Channel<S>, log: &Log<S, E>) {
    let (given, mut expected) = (Given::default(), labels("first", 6));
    append(client, channel, &expected).await;
    let page = places(log).await;
    let (second, last) = (page.events[1].position(), page.events[5].position());
    let _running = run(log, given.consumer("mailer"));
    given.is(&expected).await;
    wait_until("the cursor is written", async || position(client, log, "mailer").await == Some(last)).await;
    by_hand(client, log, "mailer", |row| Cursor { position: Some(second.to_string()), ..row }).await;
    expected.extend(labels("first", 6).split_off(2));
    given.is(&expected).await;
    wait_until("the cursor is written again", async || position(client, log, "mailer").await == Some(last)).await;
    let more = labels("more", 3);
    append(client, channel, &more).await;
    expected.extend(more);
    given.is(&expected).await;
}

/// Runs a consumer both ways, and expects an error of this kind that says all of this.
async fn refused<S: Place, E: LogEvent>(
    log: &Log<S, E>,
    consumer: impl Fn() -> Consumer<S, E> + Send + Sync,
    kind: ErrorKind,
    says: &[&str],
) {
    let once = tokio::time::timeout(LONG, log.consumer(consumer()).to_head().run_once()).await.unwrap().unwrap_err();
    let supervised = tokio::time::timeout(LONG, log.consumer(consumer()).run(pending())).await.unwrap().unwrap_err();
    for (found, text) in [(once.kind(), once.to_string()), (Some(supervised.kind()), supervised.to_string())] {
        assert_eq!(found, Some(kind), "{text}");
        for part in says {
            assert!(text.contains(part), "expected {part:?} in {text:?}");
        }
    }
}

async fn forged<S: Place, E: LogEvent, O: LogEvent>(
    client: &Client<S>,
    channel: &dyn Channel<S>,
    log: &Log<S, E>,
    other: &Log<S, O>,
) {
    let (given, before, behind) = (Given::default(), labels("before", 3), labels("behind", 3));
    append(client, channel, &before).await;
    let once = || log.consumer(given.consumer("mailer")).to_head().run_once();
    once().await.unwrap();
    other.consumer(given.consumer("elsewhere")).to_head().run_once().await.unwrap();
    append(client, channel, &behind).await;
    let had = given.all();
    let (good, copied, end) =
        (row(client, log, "mailer").await, row(client, other, "elsewhere").await, places(log).await.end());
    let (beyond, far) = (Position::new(end.get() + 1).to_string(), i64::MAX.to_string());
    let own = good.data.as_deref();
    let (of_other, end) = (
        format!("log: expected {}, found {}", log.name(), other.name()),
        format!("position: expected at most {end}, the end of the log, found "),
    );
    let start = good.position.as_deref();
    let cases = [
        (Some("x"), own, ErrorKind::Invalid, ["expected", "found \"x\""]),
        (Some("-1"), own, ErrorKind::Invalid, ["expected", "found \"-1\""]),
        (Some(""), own, ErrorKind::Invalid, ["expected", "found \"\""]),
        (start, Some("no"), ErrorKind::Corrupt, ["expected the data of a consumer", "found"]),
        (start, None, ErrorKind::Corrupt, ["expected the data of a consumer", "found"]),
        (Some("0"), copied.data.as_deref(), ErrorKind::Invalid, [&of_other, "mailer"]),
        (Some(&beyond), own, ErrorKind::Invalid, [&end, &beyond]),
        (Some(&far), own, ErrorKind::Invalid, [&end, &far]),
    ];
    for (place, data, kind, says) in cases {
        let (place, data) = (place.map(str::to_owned), data.map(str::to_owned));
        let stored =
            by_hand(client, log, "mailer", |row| Cursor { position: place.clone(), data: data.clone(), ..row }).await;
        refused(log, || given.consumer("mailer"), kind, &[says.as_slice(), &["mailer"]].concat()).await;
        assert_eq!(row(client, log, "mailer").await, stored);
        assert_eq!(given.all(), had);
    }
    by_hand(client, log, "mailer", |row| Cursor { version: row.version, ..good.clone() }).await;
    once().await.unwrap();
    assert_eq!(given.all(), [had, behind].concat());
}

/// A way in which a table is wrong, how it is made right again, and what is said of it.
struct Wrong {
    breaks: &'static [&'static str],
    mends: &'static [&'static str],
    says: &'static [&'static str],
    /// Whether it can be read all the same.
    reads: bool,
}

fn wrongs(name: &str) -> [Wrong; 3] {
    let missing = Wrong {
        breaks: &["ALTER TABLE happened RENAME COLUMN foreign_id TO kept"],
        mends: &["ALTER TABLE happened RENAME COLUMN kept TO foreign_id"],
        says: &["happened", "foreign_id", "expected", "found"],
        reads: false,
    };
    let of_type = Wrong {
        breaks: &["ALTER TABLE happened RENAME COLUMN type TO kept", "ALTER TABLE happened ADD COLUMN type text"],
        mends: &["ALTER TABLE happened DROP COLUMN type", "ALTER TABLE happened RENAME COLUMN kept TO type"],
        says: &["happened", "type", "expected", "found"],
        reads: false,
    };
    let (breaks, mends): (&'static [&'static str], &'static [&'static str]) = if name.contains("Postgres") {
        (
            &["ALTER TABLE happened DROP CONSTRAINT happened_pkey"],
            &["ALTER TABLE happened ADD CONSTRAINT happened_pkey PRIMARY KEY (id)"],
        )
    } else if name.contains("MariaDB") {
        (
            &["ALTER TABLE happened DROP PRIMARY KEY, ADD KEY ids (id)"],
            &["ALTER TABLE happened ADD PRIMARY KEY (id), DROP KEY ids"],
        )
    } else {
        (
            &[
                "ALTER TABLE happened RENAME TO kept",
                "CREATE TABLE happened (id INTEGER NOT NULL, foreign_id TEXT NOT NULL, type INTEGER NOT NULL, \
                 timestamp INTEGER NOT NULL) STRICT",
                "INSERT INTO happened SELECT * FROM kept",
            ],
            &["DROP TABLE happened", "ALTER TABLE kept RENAME TO happened"],
        )
    };
    [missing, of_type, Wrong { breaks, mends, says: &["happened", "id", "expected", "found"], reads: true }]
}

async fn execute<S: Place>(client: &Client<S>, statements: &[&str]) {
    let mut conn = client.store().acquire(Access::Write).await.unwrap();
    for statement in statements {
        S::execute(&mut conn, statement).await;
    }
}

async fn ids<S: Place>(client: &Client<S>) -> Vec<i64> {
    let mut conn = client.store().acquire(Access::Read).await.unwrap();
    S::numbers(&mut conn, "id FROM happened ORDER BY id").await
}

async fn wrong_table<S: Place>(logs: &Logs<S>) {
    let (client, given) = (&logs.client, Given::default());
    let events: EventLog<S> = client.event_log(table()).unwrap();
    let log = events.log();
    events.inspect().await.unwrap();
    let once = || log.consumer(given.consumer("mailer")).to_head().run_once();
    for (round, wrong) in wrongs(S::NAME).iter().enumerate() {
        append(client, &logs.table, &labels(&format!("before-{round}"), 3)).await;
        once().await.unwrap();
        let behind = labels(&format!("behind-{round}"), 3);
        append(client, &logs.table, &behind).await;
        let (had, stood, stored) = (given.all(), position(client, &log, "mailer").await, ids(client).await);
        assert_eq!(stored.len(), had.len() + behind.len());
        execute(client, wrong.breaks).await;
        let error = events.inspect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        for part in wrong.says {
            assert!(error.to_string().contains(part), "expected {part:?} in \"{error}\"");
        }
        if !wrong.reads {
            let failure = once().await.unwrap_err();
            println!("{}: {failure}", S::NAME);
            assert!(matches!(failure.kind(), Some(ErrorKind::Unsupported | ErrorKind::Corrupt)), "{failure:?}");
            log.page(Position::START, 10, &delta::core::TableFilter::default()).await.unwrap_err();
        }
        assert_eq!(
            (given.all(), position(client, &log, "mailer").await, ids(client).await),
            (had.clone(), stood, stored)
        );
        execute(client, wrong.mends).await;
        events.inspect().await.unwrap();
        once().await.unwrap();
        assert_eq!(given.all(), [had, behind].concat());
    }
}

async fn in_use<S: Place, E: LogEvent>(
    client: &Client<S>,
    channel: &dyn Channel<S>,
    log: &Log<S, E>,
    from_other: &Log<S, E>,
) {
    let (given, intruder, mut expected) = (Given::default(), Given::default(), labels("first", 3));
    append(client, channel, &expected).await;
    let holder = run(log, given.consumer("mailer").program("billing"));
    given.is(&expected).await;
    for log in [log, from_other] {
        let other = || intruder.consumer("mailer").program("shipping");
        refused(log, other, ErrorKind::Invalid, &["mailer", "program: expected \"shipping\", found \"billing\""]).await;
        let nobody = || intruder.consumer("mailer");
        refused(log, nobody, ErrorKind::Invalid, &["mailer", "program: expected none, found \"billing\""]).await;
        let own = intruder.consumer("mailer").program("billing");
        let failure = log.consumer(own).to_head().run_once().await.unwrap_err();
        assert_eq!(failure.kind(), Some(ErrorKind::Conflict), "{failure}");
        assert!(
            failure.to_string().contains("expected the consumer's lease, found it held by another run"),
            "{failure}"
        );
        let more = labels(&format!("more-{}", expected.len()), 3);
        append(client, channel, &more).await;
        expected.extend(more);
        given.is(&expected).await;
    }
    let last = places(log).await.events.last().unwrap().position();
    wait_until("the holder moves its cursor", async || position(client, log, "mailer").await == Some(last)).await;
    drop(holder);
    assert_eq!(intruder.all(), [""; 0]);
}

/// Counts queries.
struct Counted<S>(StoreLoader<S>, Arc<AtomicUsize>);

impl<S: Place> Loader for Counted<S> {
    fn load<'a>(&'a self, query: &'a TableQuery) -> BoxFuture<'a, delta::Result<LogPage<TableEvent>>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.load(query)
    }
}

/// How many queries it takes that so many consumers of one client follow a log.
async fn queries<S: Place>(consumers: usize) -> usize {
    const ROUNDS: usize = 20;
    let database = Database::postgres().await;
    let client = client(database.store::<S>().await);
    let events = client.event_log(table().poll_interval(Duration::from_mins(1))).unwrap();
    events.create().await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let events = events.clone().with_loader(Counted(events.loader(), asked.clone()));
    let (log, given) = (events.log(), Given::default());
    let append = async |label: String| {
        let mut conn = client.store().acquire(Access::Write).await.unwrap();
        events.insert(&mut conn, label.as_str(), 1).await.unwrap().send();
    };
    let mut running = JoinSet::new();
    for number in 0..consumers {
        let (log, consumer) = (log.clone(), given.consumer(&format!("consumer-{number}")));
        running.spawn(async move { log.consumer(consumer).run(pending()).await.unwrap() });
    }
    append("first".to_owned()).await;
    wait_until("all have begun", async || given.all().len() >= consumers).await;
    let begun = asked.load(Ordering::SeqCst);
    for round in 0..ROUNDS {
        append(format!("round-{round}")).await;
        wait_until("all have it", async || given.all().len() >= consumers * (round + 2)).await;
    }
    assert_eq!(given.all().len(), consumers * (ROUNDS + 1));
    asked.load(Ordering::SeqCst) - begun
}

async fn cost_as_one<S: Place>() {
    let (one, fifty) = (queries::<S>(1).await, queries::<S>(50).await);
    println!("{}: one consumer takes {one} queries, fifty take {fifty}", S::NAME);
    assert!(fifty <= one * 2, "one takes {one} queries, fifty take {fifty}");
}

#[tokio::test]
async fn fifty_consumers_of_a_client_ask_postgres_as_often_as_one() {
    if Backend::Postgres.enabled() {
        cost_as_one::<PgStore>().await;
    }
}

#[tokio::test]
async fn fifty_consumers_of_a_client_ask_postgres_through_diesel_as_often_as_one() {
    if Backend::Postgres.enabled() {
        cost_as_one::<PgDieselStore>().await;
    }
}
