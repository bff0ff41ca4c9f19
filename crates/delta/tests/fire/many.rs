//! Ten processes that migrate and start at once on an empty database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use delta::core::plan::schedule::{LEADER, term};
use delta::core::{Access, CursorQuery, Scope};
use delta::{Client, Migrate, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase};
use sqlx::{Connection as _, MySqlConnection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::item::Item;
use crate::log_kit::place::Place;
use crate::process::{Process, Processes, Role};
use crate::{TURN, checks, nightly, until};

const PROCESSES: u32 = 10;
const ITEMS: u64 = 100;
/// Long enough that a leader that the others starve does not lose it.
const LEASE: Duration = Duration::from_mins(1);
/// How often a process is started to be caught in the middle of migrating, before that counts as impossible.
const TRIES: usize = 20;

/// A database that nobody has used yet.
enum Fresh {
    Sqlite(TempDir),
    Postgres(PostgresDatabase),
    MariaDb(MariaDbDatabase),
}

impl Fresh {
    async fn create(backend: Backend) -> Self {
        match backend {
            Backend::Postgres => Self::Postgres(PostgresDatabase::create().await.unwrap()),
            Backend::MariaDb => Self::MariaDb(MariaDbDatabase::create().await.unwrap()),
            _ => Self::Sqlite(TempDir::new().unwrap()),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(directory) => directory.path().join("delta.db").to_str().unwrap().to_owned(),
            Self::Postgres(database) => database.url().to_owned(),
            Self::MariaDb(database) => database.url().to_owned(),
        }
    }

    fn stores(&self) -> &'static [&'static str] {
        match self {
            Self::Sqlite(_) => &[SqliteStore::NAME],
            Self::Postgres(_) => &[PgStore::NAME, PgDieselStore::NAME],
            Self::MariaDb(_) => &[MySqlStore::NAME, MySqlDieselStore::NAME],
        }
    }

    /// Whether a process is in the middle of migrating: it has begun, and nothing is noted as done.
    async fn is_half_way(&self) -> bool {
        match self {
            Self::Sqlite(directory) => {
                let path = directory.path().join("delta.db");
                if !path.exists() {
                    return false;
                }
                let busy = async {
                    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await?;
                    sqlx::query("PRAGMA busy_timeout = 0").execute(&mut conn).await?;
                    let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await;
                    let tables = "SELECT COUNT(*) FROM sqlite_master";
                    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut conn).await?;
                    Ok::<_, sqlx::Error>(begun.is_err() && tables == 0)
                };
                busy.await.unwrap_or_default()
            }
            Self::Postgres(database) => {
                let mut conn = PgConnection::connect(database.url()).await.unwrap();
                let half = "SELECT to_regclass('delta.migration') IS NULL AND EXISTS (SELECT FROM pg_locks l \
                            JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() \
                            AND locktype = 'advisory' AND granted)";
                sqlx::query_scalar(half).fetch_one(&mut conn).await.unwrap()
            }
            Self::MariaDb(database) => {
                let mut conn = MySqlConnection::connect(database.url()).await.unwrap();
                let tables = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";
                let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut conn).await.unwrap();
                let noted = "SELECT COUNT(*) FROM delta_migration";
                // Two: the record itself, and one that is to be recorded.
                tables >= 2
                    && sqlx::query_scalar::<_, i64>(noted).fetch_one(&mut conn).await.is_ok_and(|noted| noted == 0)
            }
        }
    }
}

macro_rules! on {
    ($($at_once:ident, $half_way:ident: $backend:ident, $store:ty;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $at_once() {
            // By day the tests beside these show it of servers, with a process more.
            if Backend::$backend.enabled() && (nightly() || Backend::$backend == Backend::Sqlite) {
                let _turn = TURN.lock().await;
                let fresh = Fresh::create(Backend::$backend).await;
                let processes = Processes::new(&fresh.url(), LEASE);
                all_start_and_work::<$store>(&fresh, processes, None).await;
            }
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $half_way() {
            if Backend::$backend.enabled() {
                let _turn = TURN.lock().await;
                let (fresh, processes, frozen) = half_way(Backend::$backend).await;
                all_start_and_work::<$store>(&fresh, processes, Some(frozen)).await;
            }
        }
    )*};
}

on! {
    ten_processes_start_at_once_on_a_new_file,
    ten_processes_start_on_a_file_whose_migration_was_killed_half_way: Sqlite, SqliteStore;
    ten_processes_of_two_stores_start_at_once_on_an_empty_postgres,
    ten_processes_start_on_a_postgres_whose_migration_was_killed_half_way: Postgres, PgStore;
    ten_processes_of_two_stores_start_at_once_on_an_empty_mariadb,
    ten_processes_start_on_a_mariadb_whose_migration_was_killed_half_way: MariaDb, MySqlStore;
}

/// A database on which a process has frozen in the middle of migrating.
async fn half_way(backend: Backend) -> (Fresh, Processes, Process) {
    for number in 0..TRIES {
        let fresh = Fresh::create(backend).await;
        let mut processes = Processes::new(&fresh.url(), LEASE);
        let stores = fresh.stores();
        let mut process = processes.spawn(stores[number % stores.len()], 1, Role::Works);
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        while !process.is_started() {
            if fresh.is_half_way().await {
                process.freeze().await;
                if fresh.is_half_way().await {
                    return (fresh, processes, process);
                }
                process.thaw();
            }
            tick.tick().await;
        }
    }
    panic!("{TRIES} processes migrated, and none was caught half-way");
}

async fn all_start_and_work<S: Place + Migrate>(fresh: &Fresh, mut processes: Processes, half_way: Option<Process>) {
    let stores = fresh.stores();
    let started: Vec<Process> = (0..PROCESSES)
        .map(|number| processes.spawn(stores[number as usize % stores.len()], 10 + number, Role::Works))
        .collect();
    if let Some(half_way) = half_way {
        until("all others are there", async || started.iter().all(|one| !one.lines("connecting").is_empty())).await;
        half_way.kill9();
    }
    let mut running = {
        let started = Mutex::new(started);
        until("all have started", async || started.lock().unwrap().iter_mut().all(Process::is_started)).await;
        started.into_inner().unwrap()
    };
    let store = S::connect(&fresh.url()).await;
    let status = store.migration_status().await.unwrap();
    assert!(status.iter().all(|migration| migration.applied), "{status:?}");
    let client = Client::builder(store.clone()).build().unwrap();
    let items: Vec<Item> = (1..=ITEMS).map(|number| Item::new(format!("item-{number}"), number)).collect();
    client.inform_many(items).await.unwrap();
    checks::at_rest(&client).await;
    let calls = processes.calls(&BTreeMap::new());
    assert_eq!(calls.overlaps(), Vec::<String>::new());
    assert_eq!(calls.0.len() as u64, ITEMS);
    let twice: Vec<_> = calls.0.iter().filter(|(_, calls)| calls.len() != 1).collect();
    assert!(twice.is_empty(), "worked more than once: {twice:?}");

    let mut conn = store.acquire(Access::Read).await.unwrap();
    let cursors = store.cursors(&mut conn, &CursorQuery::Names(vec![LEADER.to_owned()])).await.unwrap();
    drop(conn);
    assert_eq!(term(&cursors[0]), 1, "leaders changed");
    let said = |what: &str| -> usize {
        let lines = running.iter().flat_map(|process| process.lines("log"));
        lines.filter(|line| line.contains(what)).count()
    };
    assert_eq!((said(" leads "), said(" leads no longer")), (1, 0));
    let offered: BTreeSet<u32> = (10..10 + PROCESSES).collect();
    let found = parallelism(&client).await;
    assert!(offered.contains(&found), "{found} is nobody's setting");
    // Each but the first, and those that came at the same moment, found somebody else's.
    println!("{} settings changed", said("settings changed"));

    // Whoever starts last has his way, says so once, and not again.
    for (setting, says) in [(99, true), (99, false)] {
        let mut last = processes.spawn(stores[0], setting, Role::Works);
        {
            let last = Mutex::new(&mut last);
            until("one more has started", async || last.lock().unwrap().is_started()).await;
        }
        assert_eq!(parallelism(&client).await, setting);
        let lines = last.lines("log");
        let mut changes = lines.iter().filter(|line| line.contains("settings changed"));
        let change = changes.next();
        assert_eq!(change.is_some(), says, "{lines:?}");
        assert!(change.is_none_or(|line| line.contains(&found.to_string()) && line.contains("99")), "{change:?}");
        running.push(last);
    }
    for process in &mut running {
        process.stop().await;
    }
}

/// The stored setting of the kind.
async fn parallelism<S: Place>(client: &Client<S>) -> u32 {
    let scopes = client.scopes().await.unwrap();
    let kind = scopes.iter().find(|scope| matches!(&scope.scope, Scope::Kind(kind) if kind.as_str() == "item"));
    let settings: serde_json::Value = serde_json::from_str(kind.unwrap().settings.as_ref().unwrap()).unwrap();
    u32::try_from(settings["parallelism"].as_u64().unwrap()).unwrap()
}
