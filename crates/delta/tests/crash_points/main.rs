//! A process is killed with -9 between any two calls of its store, or in the middle of one, started again until it comes to
//! rest, and its tables and its notes are held against the invariants.
//!
//! `DELTA_CRASH_POINT=commit:3:after` tries one point instead, `commit:3:after,claim:2:before` kills the restarted process
//! too. `DELTA_NIGHTLY=1` tries all points of every store instead of a sample, which `DELTA_SEED` draws again.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod caller;
#[path = "../log_kit/chance.rs"]
#[expect(dead_code, reason = "shared")]
mod chance;
mod check;
mod consumers;
mod controllers;
mod journal;
#[path = "../log_kit/place.rs"]
#[expect(dead_code, reason = "shared")]
mod place;
mod points;
mod process;
mod search;
mod stores;
mod trial;
mod wanted;

use delta::{MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use delta_testkit::Backend;
use tokio::sync::Mutex;

use crate::search::search;

/// One at a time: each wants the machine for itself.
static TURN: Mutex<()> = Mutex::const_new(());

/// How many points each store is killed at, unless it is night.
const EMBEDDED: usize = 40;
const SERVERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_nothing_is_lost_wherever_the_process_is_killed() {
    if Backend::Sqlite.enabled() {
        let _turn = TURN.lock().await;
        search::<SqliteStore>(EMBEDDED).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_nothing_is_lost_wherever_the_process_is_killed() {
    if Backend::Postgres.enabled() {
        let _turn = TURN.lock().await;
        search::<PgStore>(SERVERS).await;
        search::<PgDieselStore>(SERVERS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_nothing_is_lost_wherever_the_process_is_killed() {
    if Backend::MariaDb.enabled() {
        let _turn = TURN.lock().await;
        search::<MySqlStore>(SERVERS).await;
        search::<MySqlDieselStore>(SERVERS).await;
    }
}

#[tokio::test]
#[ignore = "the process that the other tests start and kill"]
async fn process() {
    process::run().await;
}
