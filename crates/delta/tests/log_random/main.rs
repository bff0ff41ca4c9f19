//! Writers that commit in random order, keep transactions open and roll a third of them back, and consumers that crash and
//! start again: every committed event reaches every consumer once for each history of its cursor, in one order, the very
//! first one too, and no rolled-back event ever.
//!
//! 5,000 events for each backend; with `DELTA_NIGHTLY=1` 100,000. `DELTA_SEED` gives the seed.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod consumers;
#[path = "../log_kit/mod.rs"]
#[expect(dead_code, reason = "shared")]
mod log_kit;
mod readers;
mod writers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use delta::{Client, MemoryStore, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use delta_testkit::Backend;
use delta_testkit::record::{self, Proof};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::consumers::Life;
use crate::log_kit::chance::{self, Seed};
use crate::log_kit::channel::{Channel, Own, Table, table};
use crate::log_kit::checker::{Step, check_history, check_log};
use crate::log_kit::opened::{client, of_table, own};
use crate::log_kit::place::{Database, Place};
use crate::readers::{Reader, read_all};
use crate::writers::Writing;

const CONSUMERS: usize = 4;

macro_rules! on {
    ($($readers:ident, $consumers:ident: $backend:ident $database:expr, $store:ty;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $readers() {
            if Backend::$backend.enabled() {
                readers::<$store>(&$database).await;
            }
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $consumers() {
            if Backend::$backend.enabled() {
                consumers::<$store>(Arc::new($database)).await;
                record::shown(<$store>::NAME, Proof::Writers);
            }
        }
    )*};
}

on! {
    readers_in_memory_get_each_committed_event_once_and_in_one_order,
    consumers_in_memory_get_each_committed_event_once_for_each_history_of_their_cursors:
        Memory Database::memory(), MemoryStore;
    readers_of_sqlite_get_each_committed_event_once_and_in_one_order,
    consumers_of_sqlite_get_each_committed_event_once_for_each_history_of_their_cursors:
        Sqlite Database::sqlite(), SqliteStore;
    readers_of_postgres_get_each_committed_event_once_and_in_one_order,
    consumers_of_postgres_get_each_committed_event_once_for_each_history_of_their_cursors:
        Postgres Database::postgres().await, PgStore;
    readers_of_postgres_through_diesel_get_each_committed_event_once_and_in_one_order,
    consumers_of_postgres_through_diesel_get_each_committed_event_once_for_each_history_of_their_cursors:
        Postgres Database::postgres().await, PgDieselStore;
    readers_of_mariadb_get_each_committed_event_once_and_in_one_order,
    consumers_of_mariadb_get_each_committed_event_once_for_each_history_of_their_cursors:
        MariaDb Database::mariadb().await, MySqlStore;
    readers_of_mariadb_through_diesel_get_each_committed_event_once_and_in_one_order,
    consumers_of_mariadb_through_diesel_get_each_committed_event_once_for_each_history_of_their_cursors:
        MariaDb Database::mariadb().await, MySqlDieselStore;
}

/// What consumers of the runtime get of two logs.
async fn consumers<S: Place>(database: Arc<Database>) {
    let seed = Seed::take(S::NAME);
    let store: S = database.store().await;
    let client = client(store.clone());
    let table = Table::create(store.clone(), table()).await;
    let channels: Vec<Arc<dyn Channel<S>>> = vec![Arc::new(Own(client.clone())), Arc::new(table)];
    let writing = Writing::new(store.clone(), channels.clone(), chance::events());
    let over = watch::Sender::new(false);
    let (mut of_own, mut of_the_table) = (JoinSet::new(), JoinSet::new());
    for number in 0..CONSUMERS {
        let others = (database.clone(), client.clone(), over.subscribe());
        let (database, client, over) = (database.clone(), client.clone(), over.subscribe());
        let life = Life { database, client, log: own, number, over };
        of_own.spawn(life.live(seed.of("consumer", number)));
        let life = Life { database: others.0, client: others.1, log: of_table, number, over: others.2 };
        of_the_table.spawn(life.live(seed.of("consumer of the table", number)));
    }
    let written = writing.run(seed).await;
    over.send_replace(true);
    let histories = [of_own.join_all().await, of_the_table.join_all().await];
    for ((channel, written), histories) in channels.iter().zip(&written).zip(histories) {
        let log = read_all(&store, &**channel).await;
        check_log(&log, written).unwrap();
        let mut starts = 0;
        for (history, cursor) in histories {
            check_history(&log, &history).unwrap();
            assert!(log.last().is_some_and(|last| last.position <= cursor), "the cursor is at {cursor} in the end");
            starts += history.iter().filter(|step| matches!(step, Step::Resumed { .. })).count();
        }
        println!("{} events, {starts} starts", log.len());
        assert!(starts > 2 * CONSUMERS, "consumers that never crashed show nothing");
    }
}

/// What those get who read pages.
async fn readers<S: Place>(database: &Database) {
    let seed = Seed::take(S::NAME);
    let store: S = database.store().await;
    let client = Client::builder(store.clone()).build().unwrap();
    let table = Table::create(store.clone(), table()).await;
    let channels: Vec<Arc<dyn Channel<S>>> = vec![Arc::new(Own(client)), Arc::new(table)];
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
        let log = read_all(&store, &**channel).await;
        check_log(&log, &written[of]).unwrap();
        for (_, history) in histories.iter().filter(|(channel, _)| *channel == of) {
            check_history(&log, history).unwrap();
            let starts = history.iter().filter(|step| matches!(step, Step::Began { .. })).count();
            println!("{} events, {starts} starts", log.len());
            assert!(starts > 2, "a consumer that never crashed shows nothing");
        }
    }
}
