//! A process that is frozen past its leases, and wakes up when others have done its work.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Mutex;
use std::time::Duration;

use delta::core::{Access, Event};
use delta::{
    Client, EventFilter, Filter, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, Position, SqliteStore, State,
};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase};
use tempfile::TempDir;

use crate::item::{Item, Takes};
use crate::log_kit::place::Place;
use crate::process::{Process, Processes, Role};
use crate::{TURN, checks, nightly, until};

/// How many attempts are over and not yet settled, and how many are not over, when their process is frozen.
const EACH: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_frozen_process_wakes_up_to_nothing() {
    if Backend::Sqlite.enabled() {
        let directory = TempDir::new().unwrap();
        freeze::<SqliteStore>(directory.path().join("delta.db").to_str().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_frozen_process_wakes_up_to_nothing() {
    if Backend::Postgres.enabled() {
        freeze::<PgStore>(PostgresDatabase::create().await.unwrap().url()).await;
        if nightly() {
            freeze::<PgDieselStore>(PostgresDatabase::create().await.unwrap().url()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_a_frozen_process_wakes_up_to_nothing() {
    if Backend::MariaDb.enabled() {
        freeze::<MySqlStore>(MariaDbDatabase::create().await.unwrap().url()).await;
        if nightly() {
            freeze::<MySqlDieselStore>(MariaDbDatabase::create().await.unwrap().url()).await;
        }
    }
}

/// The statement that locks all resources in a transaction, and how many others are in one.
fn statements<S: Place>() -> (&'static str, &'static str) {
    match S::NAME {
        // The transaction itself has the one lock that there is.
        SqliteStore::NAME => ("SELECT 1", "0"),
        PgStore::NAME | PgDieselStore::NAME => (
            "SELECT id FROM delta.resource FOR UPDATE",
            "count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL \
             AND pid <> pg_backend_pid()",
        ),
        _ => (
            "SELECT id FROM delta_resource FOR UPDATE",
            "COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id <> CONNECTION_ID()",
        ),
    }
}

async fn freeze<S: Place>(url: &str) {
    let _turn = TURN.lock().await;
    let store = S::connect(url).await;
    let client = Client::builder(store.clone()).build().unwrap();
    let mut processes = Processes::new(url, Duration::from_secs(2));
    let mut frozen = processes.spawn(S::NAME, 50, Role::Works);
    wait(&mut frozen).await;
    let mut ids = Vec::new();
    for number in 0..EACH {
        for takes in [Takes::UntilOpen, Takes::ForEver] {
            let id = format!("{takes:?}-{number}");
            client.inform(Item::new(&id, 1).takes(takes)).await.unwrap();
            ids.push(id);
        }
    }
    until("all are being worked", async || ids.iter().all(|id| processes.calls(&BTreeMap::new()).0.contains_key(id)))
        .await;

    let (lock, others) = statements::<S>();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.begin_tx(&mut conn).await.unwrap();
    S::execute(&mut conn, lock).await;
    File::create(processes.gate()).unwrap();
    until("attempts are over, and cannot be settled", async || {
        let calls = processes.calls(&BTreeMap::new());
        ids.iter().filter(|id| calls.0[*id][0].ended.is_some()).count() >= usize::try_from(EACH).unwrap()
    })
    .await;
    frozen.freeze().await;
    // One that is in a transaction keeps what it has locked, as long as it is frozen.
    let among = tokio::sync::Mutex::new(store.acquire(Access::Read).await.unwrap());
    let is_outside = async || S::numbers(&mut *among.lock().await, others).await[0] <= 1;
    until("it is frozen outside of a transaction", async || {
        if !is_outside().await {
            frozen.thaw();
            until("it is outside of a transaction", &is_outside).await;
            frozen.freeze().await;
        }
        is_outside().await
    })
    .await;
    store.rollback_tx(&mut conn).await.unwrap();
    drop((conn, among));

    let mut other = processes.spawn(S::NAME, 50, Role::Works);
    wait(&mut other).await;
    checks::at_rest(&client).await;
    let (rows, log) = (checks::rows(&client).await, log(&client).await);
    assert!(rows.iter().all(|row| row.attempt == 2 && row.state == State::Synced), "{rows:?}");

    frozen.thaw();
    until("it has let go of all", async || {
        let calls = processes.calls(&BTreeMap::new());
        // A settlement whose first try had no answer is told as one that may have been settled by it.
        let told = |line: &&String| line.contains("lease was lost") || line.contains("settled before, or lost");
        let refused = frozen.lines("log").iter().filter(told).count();
        let ended = ids.iter().all(|id| calls.0[id][0].ended.is_some());
        ended && refused >= ids.len()
    })
    .await;
    assert_eq!(checks::rows(&client).await, rows, "a late settlement changed a row");
    assert_eq!(self::log(&client).await, log, "a late settlement was logged");
    other.stop().await;
    client.inform(Item::new("fresh", 1)).await.unwrap();
    checks::at_rest(&client).await;
    frozen.stop().await;
    let calls = processes.calls(&BTreeMap::new());
    assert_eq!(calls.overlaps(), Vec::<String>::new());
    assert!(ids.iter().all(|id| calls.0[id].len() == 2), "{:?}", calls.0);
    assert_eq!(calls.0["fresh"].len(), 1);
    assert_eq!(client.count(&Filter::default()).await.unwrap().len(), 1);
}

async fn wait(process: &mut Process) {
    let process = Mutex::new(process);
    until("a process has started", async || process.lock().unwrap().is_started()).await;
}

async fn log<S: Place>(client: &Client<S>) -> Vec<Event> {
    client.log().page(Position::START, 10_000, &EventFilter::default()).await.unwrap().events
}
