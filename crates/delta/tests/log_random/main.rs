//! Writers that commit in random order, keep transactions open and roll a third of them back, and consumers that crash and
//! start again: every committed event reaches every consumer once for each history of its cursor, in one order, the very
//! first one too, and no rolled-back event ever.
//!
//! 5,000 events for each backend; with `DELTA_NIGHTLY=1` 100,000. `DELTA_SEED` gives the seed.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod chance;
mod channel;
mod checker;
mod crash;
mod readers;
mod transactions;
mod writers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use delta::core::Target;
use delta::{Client, Migrate, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase};
use delta_testkit::record::{self, Proof};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::chance::Seed;
use crate::channel::{Channel, Own};
use crate::readers::Reader;
use crate::transactions::LogStore;
use crate::writers::Writing;

const CONSUMERS: usize = 4;

/// Connections of a store: those of the writers, of the consumers, and those that crashes have taken.
const CONNECTIONS: u32 = 24;

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_of_sqlite_gets_each_committed_event_once_and_in_one_order() {
    if Backend::Sqlite.enabled() {
        let directory = TempDir::new().unwrap();
        let options = SqliteStore::options(directory.path().join("delta.db")).busy_timeout(Duration::from_mins(2));
        readers("sqlx: SQLite", options.open().await.unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_of_postgres_gets_each_committed_event_once_and_in_one_order() {
    if Backend::Postgres.enabled() {
        let database = PostgresDatabase::create().await.unwrap();
        let store = PgStore::options(database.url()).connections(CONNECTIONS).connect().await.unwrap();
        readers("sqlx: Postgres", store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_of_mariadb_gets_each_committed_event_once_and_in_one_order() {
    if Backend::MariaDb.enabled() {
        let database = MariaDbDatabase::create().await.unwrap();
        let store = MySqlStore::options(database.url()).connections(CONNECTIONS).connect().await.unwrap();
        readers("sqlx: MariaDB", store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_of_postgres_through_diesel_gets_each_committed_event_once_and_in_one_order() {
    if Backend::Postgres.enabled() {
        let database = PostgresDatabase::create().await.unwrap();
        let store = PgDieselStore::options(database.url()).connections(CONNECTIONS).connect().await.unwrap();
        readers("diesel: Postgres", store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_of_mariadb_through_diesel_gets_each_committed_event_once_and_in_one_order() {
    if Backend::MariaDb.enabled() {
        let database = MariaDbDatabase::create().await.unwrap();
        let store = MySqlDieselStore::options(database.url()).connections(CONNECTIONS).connect().await.unwrap();
        readers("diesel: MariaDB", store).await;
    }
}

async fn readers<S: LogStore + Migrate>(name: &str, store: S) {
    let seed = Seed::take(name);
    store.migrate_to(Target::Latest).await.unwrap();
    let client = Client::builder(store.clone()).build().unwrap();
    let channels: Vec<Arc<dyn Channel<S>>> = vec![Arc::new(Own(client))];
    let writing = Writing::new(store.clone(), channels.clone(), chance::events());
    let over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for (of, channel) in channels.iter().enumerate() {
        for number in 0..CONSUMERS {
            let reader = Reader::new(store.clone(), channel.clone(), writing.commits(), over.clone());
            let rng = seed.of("reader", of * CONSUMERS + number);
            readers.spawn(async move { (of, reader.run(rng).await) });
        }
    }
    let written = writing.run(seed).await;
    over.store(true, Ordering::SeqCst);
    let histories = readers.join_all().await;
    for (of, channel) in channels.iter().enumerate() {
        let log = readers::read_all(&store, &**channel).await;
        checker::check_log(&log, &written[of]).unwrap();
        for (_, history) in histories.iter().filter(|(channel, _)| *channel == of) {
            checker::check_history(&log, history).unwrap();
            let crashes = history.iter().filter(|step| matches!(step, checker::Step::Began { .. })).count();
            println!("{} events, {crashes} starts", log.len());
            assert!(crashes > 2, "a consumer that never crashed shows nothing");
        }
    }
    let _ = (record::shown as fn(&str, Proof), name);
}
