//! A disk that fills up under SQLite.

mod client;
mod killed;
mod open;
mod tmpfs;

use delta::SqliteStore;
use delta::core::{Access, Store as _};
use delta_testkit::Backend;

use crate::TURN;

/// Runs a test alone, with a disk of its own.
fn on_a_disk(test: &str) {
    if Backend::Sqlite.enabled() {
        let _turn = TURN.blocking_lock();
        tmpfs::alone(test);
    }
}

#[test]
fn a_client_whose_disk_fills_up_loses_nothing_and_goes_on_by_itself_once_there_is_space() {
    on_a_disk("disk::client::filled");
}

#[test]
fn a_log_that_a_reader_lets_grow_over_the_disk_is_taken_in_once_the_reader_is_gone() {
    on_a_disk("disk::client::log_filled");
}

#[test]
fn a_transaction_that_sqlite_undoes_for_want_of_space_is_told_to_be_over() {
    on_a_disk("disk::client::transaction_filled");
}

#[test]
fn a_store_that_finds_no_space_says_so_and_opens_once_there_is_some() {
    on_a_disk("disk::open::opened");
}

#[test]
fn a_migration_that_finds_no_space_says_so_and_leaves_nothing() {
    on_a_disk("disk::open::migrated");
}

#[test]
fn a_process_that_is_killed_on_a_full_disk_loses_nothing_acknowledged() {
    on_a_disk("disk::killed::killed");
}

/// Nothing is damaged.
async fn integrity(store: &SqliteStore) {
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(found, ["ok"]);
}
