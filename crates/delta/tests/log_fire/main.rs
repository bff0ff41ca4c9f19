//! Processes of a transactional consumer, and the database, are killed with -9 at random while events are appended: no event is
//! skipped, and each has exactly one effect.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

#[path = "../log_kit/mod.rs"]
#[expect(dead_code, reason = "shared")]
mod log_kit;

use std::env;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use delta::core::{Access, Event, LogEvent as _, LogStore as _, Store as _};
use delta::{Backoff, Consumer, MySqlStore, PgStore, Position, SqliteStore};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, MariaDbServer, PostgresServer};
use delta_testkit::record::{self, Proof};
use rand::RngExt as _;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::log_kit::chance::Seed;
use crate::log_kit::channel::{Channel as _, Own};
use crate::log_kit::opened::client;
use crate::log_kit::place::Place;

/// Tell a consumer's process where its database is, and through which store it goes there.
const URL: &str = "DELTA_FIRE_URL";
const STORE: &str = "DELTA_FIRE_STORE";

const PROCESSES: usize = 3;
const ROUNDS: usize = 24;
/// Every so many rounds the database is killed.
const DATABASE_KILLS: usize = 6;

/// One at a time: each wants the machine for itself.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_killed_consumers_have_one_effect_for_each_event() {
    if Backend::Sqlite.enabled() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("delta.db");
        fire::<SqliteStore>(path.to_str().unwrap(), async || {}).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_killed_with_its_consumers_each_event_has_one_effect() {
    if Backend::Postgres.enabled() {
        let server = PostgresServer::start_private(&[]).await.unwrap();
        fire::<PgStore>(server.url(), async || {
            server.kill9().unwrap();
            server.restart().await.unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_killed_with_its_consumers_each_event_has_one_effect() {
    if Backend::MariaDb.enabled() {
        let server = MariaDbServer::start_private(&[]).await.unwrap();
        let database = MariaDbDatabase::create_on(server.url()).await.unwrap();
        fire::<MySqlStore>(database.url(), async || {
            server.kill9().unwrap();
            server.restart().await.unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that the other tests start and kill"]
async fn consumer_process() {
    let url = env::var(URL).unwrap();
    match env::var(STORE).unwrap().as_str() {
        SqliteStore::NAME => consume::<SqliteStore>(&url).await,
        PgStore::NAME => consume::<PgStore>(&url).await,
        MySqlStore::NAME => consume::<MySqlStore>(&url).await,
        other => panic!("no such store: {other}"),
    }
}

async fn consume<S: Place>(url: &str) {
    let client = client(S::connect(url).await);
    let consumer = Consumer::transactional("ledger", |conn: &mut S::Conn, event: &Event| {
        let effect = format!("INSERT INTO effect (position) VALUES ({})", event.position());
        Box::pin(async move { S::try_execute(conn, &effect).await.map_err(delta::ConsumeError::new) })
    });
    let retry = Backoff::new(Duration::from_millis(50), Duration::from_millis(200));
    let consumption = client.log().consumer(consumer).lease(Duration::from_secs(1)).retry(retry);
    let summary = consumption.run(std::future::pending()).await;
    panic!("ended by itself: {summary:?}");
}

/// The positions of a transaction that was rolled back may be given out again after a crash of the server, if their record was
/// not on disk: a reader must not have passed them.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_has_passed_is_not_given_out_again_after_postgres_was_killed() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let server = PostgresServer::start_private(&[("wal_writer_delay", "10000")]).await.unwrap();
    let store = <PgStore as Place>::connect(server.url()).await;
    let own = Own(client(store.clone()));
    let append = async |labels: &[String], keep: bool| {
        let mut conn = store.acquire(Access::Write).await?;
        store.begin_tx(&mut conn).await?;
        own.append(&mut conn, labels).await?;
        if keep { store.commit_tx(&mut conn).await } else { store.rollback_tx(&mut conn).await }
    };
    // The sequence writes to disk every 33rd time that it gives out a position: not yet for the next one.
    append(&(0..33).map(|event| format!("first-{event}")).collect::<Vec<_>>(), true).await.unwrap();
    append(&["undone".to_owned()], false).await.unwrap();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let before = own.page(&mut conn, Position::START, 100).await.unwrap();
    drop(conn);
    server.kill9().unwrap();
    server.restart().await.unwrap();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while append(&["late".to_owned()], true).await.is_err() {
        tick.tick().await;
    }
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let after = own.page(&mut conn, before.next, 100).await.unwrap();
    assert_eq!(after.events.len(), 1, "a reader that stands at {} gets {:?}", before.next, after.events);
}

struct Process(Child);

impl Process {
    fn start<S: Place>(url: &str) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "consumer_process", "--ignored", "--nocapture"])
            .env(URL, url)
            .env(STORE, S::NAME)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn fire<S: Place>(url: &str, kill_database: impl AsyncFn()) {
    let _turn = TURN.lock().await;
    let mut rng = Seed::take(S::NAME).of("fire", 0);
    let store = S::connect(url).await;
    let client = client(store.clone());
    let own = Own(client.clone());
    let mut conn = store.acquire(Access::Write).await.unwrap();
    S::execute(&mut conn, "CREATE TABLE effect (position bigint NOT NULL)").await;
    drop(conn);
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start::<S>(url)).collect();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    for round in 0..ROUNDS {
        tick.tick().await;
        for part in 0..rng.random_range(1..10) {
            let labels: Vec<String> =
                (0..rng.random_range(1..8)).map(|event| format!("r{round}-p{part}-e{event}")).collect();
            let keep = rng.random_range(0..3) != 0;
            let written = async {
                let mut conn = store.acquire(Access::Write).await?;
                store.begin_tx(&mut conn).await?;
                own.append(&mut conn, &labels).await?;
                if keep { store.commit_tx(&mut conn).await } else { store.rollback_tx(&mut conn).await }
            };
            // The database may have been killed: what of it is there is asked of the log in the end.
            let _ = written.await;
        }
        let killed = rng.random_range(0..PROCESSES);
        processes[killed] = Process::start::<S>(url);
        if round % DATABASE_KILLS == DATABASE_KILLS - 1 {
            kill_database().await;
        }
    }
    // Those that were starting while the database was down have ended.
    for process in &mut processes {
        *process = Process::start::<S>(url);
    }
    let mut effects = Vec::new();
    let mut log = Vec::new();
    for _ in 0..150 {
        tick.tick().await;
        let Ok(page) = client.log().page(Position::START, 10_000, &delta::EventFilter::default()).await else {
            continue;
        };
        log = page.events.iter().map(|event| event.position().get()).collect();
        let Ok(mut conn) = store.acquire(Access::Read).await else { continue };
        effects = S::numbers(&mut conn, "position FROM effect ORDER BY position").await;
        if effects.len() >= log.len() && page.held_back == 0 {
            break;
        }
    }
    println!("{} events, {} effects", log.len(), effects.len());
    assert!(log.len() > 100, "too few events to show anything");
    assert_eq!(effects, log);
    record::shown(S::NAME, Proof::ConsumersKilled);
}
