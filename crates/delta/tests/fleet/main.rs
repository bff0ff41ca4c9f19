//! Four processes on one database, of one store or of two by turns, one of them killed with -9 and replaced every second,
//! while objects are informed, deleted and retried: nothing is lost, and nothing is worked by two at once.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod calls;
mod history;
mod load;
mod process;
mod stores;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use delta::core::{Browse, Store, Target, Timestamp};
use delta::{Client, ClientSettings, Migrate, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase};
use delta_testkit::record::{self, Proof};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};
use tokio::sync::Mutex;

use crate::load::Load;
use crate::process::Processes;
use crate::stores::StoreName;

/// How many resources there are.
const RESOURCES: usize = 10_000;
/// How many processes work them.
const PROCESSES: usize = 4;
/// How many times one of them is killed, a second apart.
const KILLS: usize = 60;
/// How many informs, deletions and retries there are between two kills.
const OPERATIONS: usize = 100;

#[expect(clippy::disallowed_methods, reason = "processes of one machine compare their times by its clock")]
fn machine_time() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

fn settings() -> ClientSettings {
    ClientSettings::new()
        .lease(Duration::from_secs(2))
        .poll_interval(Duration::from_millis(500))
        .maintenance_interval(Duration::from_secs(1))
}

#[tokio::test]
#[ignore = "the process that the other test starts and kills"]
async fn worker_process() {
    work::run().await;
}

/// One fleet at a time: each wants the machine for itself.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_on_postgres_under_kill_9_loses_nothing_and_never_works_a_resource_twice_at_once() {
    if Backend::Postgres.enabled() {
        let database = PostgresDatabase::create().await.unwrap();
        let store = PgStore::connect(database.url()).await.unwrap();
        survive(store, database.url(), &[StoreName::SqlxPostgres], async || {}).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_on_mariadb_under_kill_9_loses_nothing_and_never_works_a_resource_twice_at_once() {
    if Backend::MariaDb.enabled() {
        let database = MariaDbDatabase::create().await.unwrap();
        let store = MySqlStore::connect(database.url()).await.unwrap();
        survive(store, database.url(), &[StoreName::SqlxMariaDb], async || {}).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_two_stores_on_postgres_under_kill_9_loses_nothing_and_never_works_a_resource_twice_at_once() {
    if Backend::Postgres.enabled() {
        let database = PostgresDatabase::create().await.unwrap();
        let store = PgDieselStore::connect(database.url()).await.unwrap();
        let stores = &[StoreName::SqlxPostgres, StoreName::DieselPostgres];
        survive(store, database.url(), stores, async || {
            let mut conn = PgConnection::connect(database.url()).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(tomorrow("delta."))).execute(&mut conn).await.unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_two_stores_on_mariadb_under_kill_9_loses_nothing_and_never_works_a_resource_twice_at_once() {
    if Backend::MariaDb.enabled() {
        let database = MariaDbDatabase::create().await.unwrap();
        let store = MySqlDieselStore::connect(database.url()).await.unwrap();
        let stores = &[StoreName::SqlxMariaDb, StoreName::DieselMariaDb];
        survive(store, database.url(), stores, async || {
            let mut conn = MySqlConnection::connect(database.url()).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(tomorrow("delta_"))).execute(&mut conn).await.unwrap();
        })
        .await;
    }
}

/// What a migration of tomorrow may do that serves the programs of today.
fn tomorrow(prefix: &str) -> String {
    let grow = |table| format!("ALTER TABLE {prefix}{table} ADD COLUMN tomorrow bigint;");
    let tables: String = ["resource", "event", "cursor", "kind", "namespace", "attempt_error"].map(grow).concat();
    let note = "(version, name, serves) SELECT MAX(version) + 1, 'of tomorrow', MAX(version)";
    format!("{tables} INSERT INTO {prefix}migration {note} FROM {prefix}migration")
}

/// Runs a fleet on stores by turns; after half the time `midway` is done, and all goes on.
async fn survive<S: Store + Browse + Migrate>(
    store: S,
    url: &str,
    stores: &'static [StoreName],
    midway: impl AsyncFnOnce(),
) {
    let _turn = TURN.lock().await;
    store.migrate_to(Target::Latest).await.unwrap();
    let client = Client::builder(store).settings(settings()).build().unwrap();
    let mut load = Load::begin(client.clone(), RESOURCES).await;
    let mut processes = Processes::start(PROCESSES, url, stores);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut killed = BTreeMap::new();
    let mut midway = Some(midway);
    for kill in 0..KILLS {
        second.tick().await;
        if kill == KILLS / 2
            && let Some(midway) = midway.take()
        {
            midway().await;
        }
        let (process, died) = processes.replace(kill % PROCESSES);
        killed.insert(process, died);
        load.go_on(OPERATIONS).await;
    }
    load.settle().await;
    let calls = processes.stop(&killed).await;
    load.check_rows().await;
    load.check_calls(&calls);
    assert_eq!(calls.overlaps(), Vec::<String>::new());
    history::check(&client).await;
    let proof = if stores.len() > 1 { Proof::MixedFleet } else { Proof::Fleet };
    for store in stores {
        record::shown(store.as_str(), proof);
    }
}
