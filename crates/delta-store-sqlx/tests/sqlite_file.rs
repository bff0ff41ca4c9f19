//! The store and its file: opening it, sharing it, and transactions on it.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use std::process::{Command, Stdio};
use std::time::Duration;

use delta_core::{
    Access, Changeset, ClaimRequest, Depth, ErrorKind, EventFilter, EventQuery, Lane, LeaseToken, Load, LoadBy,
    Outcome, Owner, Position, State, Store, WakeUp, WakeUpSignal,
};
use delta_store_sqlx::sqlx::sqlite::SqliteConnectOptions;
use delta_store_sqlx::sqlx::{self, ConnectOptions, Connection, Executor};
use delta_store_sqlx::{MissingFile, SqliteOptions, SqliteStore};
use futures::StreamExt;
use sqlite_support::{NOW, commit, file, find, inserts, row};

const PATH: &str = "DELTA_TEST_SQLITE_PATH";

async fn count_events(store: &SqliteStore) -> usize {
    let mut conn = store.acquire(Access::Read).await.expect("a connection");
    let query = EventQuery { after: Position::START, limit: 100_000, filter: EventFilter::default() };
    store.events(&mut conn, &query).await.expect("events").events.len()
}

fn lane() -> Lane {
    row("any").key.lane()
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(&path).await.unwrap();
    commit(&store, &inserts([row("a")])).await.unwrap();
    store.close().await;
    let url = format!("sqlite://{}?mode=rw", path.display());
    let again = SqliteStore::open(url).await.unwrap();
    assert_eq!(again.path(), path.canonicalize().unwrap());
    assert!(find(&again, "a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_commit_is_durable() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(&path).await.unwrap();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *conn).await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *conn).await.unwrap();
    assert_eq!((synchronous, mode.as_str()), (2, "wal"), "2 is FULL");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let Some((_directory, path)) = file() else { return };
    std::fs::write(&path, "Dear diary, ".repeat(100)).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("delta.db: corrupt: file is not a database"), "{error}");
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_named() {
    let Some((directory, _)) = file() else { return };
    let error = SqliteStore::open(directory.path().join("missing").join("delta.db")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("expected a file in a directory that exists"), "{error}");
    let error = SqliteStore::open(directory.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_missing_file_is_created_unless_it_is_not_to_be() {
    let Some((_directory, path)) = file() else { return };
    let refusing = SqliteOptions::new(&path).missing_file(MissingFile::Refuse);
    assert_eq!(refusing.clone().open().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(!path.exists());
    SqliteStore::open(&path).await.unwrap();
    refusing.open().await.unwrap();
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let clone = store.clone();
    store.close().await;
    for access in [Access::Read, Access::Write] {
        assert_eq!(clone.acquire(access).await.unwrap_err().kind(), ErrorKind::Closed);
    }
    assert_eq!(clone.begin().await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_connection_for_reading_does_not_write() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    assert!(store.commit(&mut conn, &inserts([row("a")])).await.is_err());
    drop(conn);
    assert_eq!(find(&store, "a").await.unwrap(), None);
}

#[tokio::test]
async fn readers_read_while_a_transaction_writes() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    store.commit(&mut tx, &inserts([row("a")])).await.unwrap();
    assert_eq!(find(&store, "a").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(find(&store, "a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_commit_waits_for_another_writer_of_the_file() {
    let Some((_directory, path)) = file() else { return };
    let [one, other] = [SqliteStore::open(&path).await.unwrap(), SqliteStore::open(&path).await.unwrap()];
    let tx = one.begin().await.unwrap();
    let changes = inserts([row("a")]);
    let mut waiting = std::pin::pin!(commit(&other, &changes));
    // It cannot end while the other writes: this only gives it time to be wrong.
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err());
    tx.commit().await.unwrap();
    waiting.await.unwrap();
    assert!(find(&one, "a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_writer_that_never_ends_makes_the_others_unavailable() {
    let Some((_directory, path)) = file() else { return };
    let one = SqliteStore::open(&path).await.unwrap();
    let impatient = SqliteOptions::new(&path).busy_timeout(Duration::from_millis(200)).open().await.unwrap();
    let tx = one.begin().await.unwrap();
    let mut conn = impatient.acquire(Access::Write).await.unwrap();
    let error = impatient.commit(&mut conn, &inserts([row("a")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    drop(tx);
    impatient.commit(&mut conn, &inserts([row("a")])).await.unwrap();
}

#[tokio::test]
async fn an_exhausted_store_is_unavailable() {
    let Some((_directory, path)) = file() else { return };
    let options = SqliteOptions::new(path).acquire_timeout(Duration::from_millis(500)).readers(1);
    let store = options.open().await.unwrap();
    let held = (store.acquire(Access::Read).await.unwrap(), store.begin().await.unwrap());
    for access in [Access::Read, Access::Write] {
        assert_eq!(store.acquire(access).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    drop(held);
    store.acquire(Access::Read).await.unwrap();
    store.begin().await.unwrap();
}

#[tokio::test]
async fn a_changeset_that_fails_leaves_nothing_in_the_callers_transaction() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let mut impossible = row("impossible");
    impossible.run_at = None;
    let mut tx = store.begin().await.unwrap();
    let error = store.commit(&mut tx, &inserts([row("a"), impossible])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    store.commit(&mut tx, &inserts([row("b")])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&store, "a").await.unwrap(), None);
    assert!(find(&store, "b").await.unwrap().is_some());
    assert_eq!(count_events(&store).await, 1);
}

#[tokio::test]
async fn a_dropped_transaction_is_over_for_what_comes_next() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    for number in 0..20 {
        let mut tx = conn.begin().await.unwrap();
        store.commit(&mut tx, &inserts([row(&format!("dropped-{number}"))])).await.unwrap();
        drop(tx);
        store.commit(&mut conn, &inserts([row(&format!("kept-{number}"))])).await.unwrap();
        drop(conn.begin().await.unwrap());
        let lanes = vec![(lane(), 1)];
        let base = LeaseToken::new(number);
        let request = ClaimRequest { now: NOW, owner: Owner::new(1), base, until: NOW + Duration::from_mins(1), lanes };
        assert_eq!(store.claim(&mut conn, &Changeset::new(NOW), &request).await.unwrap().resources.len(), 1);
    }
    assert!(find(&store, "kept-19").await.unwrap().is_some());
    assert_eq!(find(&store, "dropped-19").await.unwrap(), None);
    assert_eq!(count_events(&store).await, 20);
}

#[tokio::test]
async fn a_transaction_that_a_statement_began_is_refused() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(&path).await.unwrap();
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    conn.execute("BEGIN").await.unwrap();
    let error = store.commit(&mut conn, &inserts([row("a")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("one that a statement began"), "{error}");
}

#[tokio::test]
async fn a_callers_own_connection_will_do() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(&path).await.unwrap();
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
    store.commit(&mut tx, &inserts([row("a")])).await.unwrap();
    tx.commit().await.unwrap();
    assert!(find(&store, "a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_transaction_that_read_before_another_wrote_is_in_conflict() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(&path).await.unwrap();
    commit(&store, &inserts([row("a")])).await.unwrap();
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SELECT * FROM delta_resource").fetch_all(&mut *tx).await.unwrap();
    commit(&store, &inserts([row("b")])).await.unwrap();
    let by = LoadBy::Ids(Vec::new());
    let locking = Load { by, depth: Depth::Head, access: Access::Write };
    assert_eq!(store.load(&mut tx, &locking).await.unwrap_err().kind(), ErrorKind::Conflict);
    let error = store.commit(&mut tx, &inserts([row("c")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    tx.rollback().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    store.commit(&mut tx, &inserts([row("c")])).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn wake_ups_reach_the_other_stores_of_the_file() {
    let Some((_directory, path)) = file() else { return };
    let [one, other] = [SqliteStore::open(&path).await.unwrap(), SqliteStore::open(&path).await.unwrap()];
    let mut heard = other.wakeups().unwrap();
    commit(&one, &Changeset { wake: WakeUp::InTransaction, ..inserts([row("a")]) }).await.unwrap();
    assert_eq!(heard.next().await, Some(WakeUpSignal::Lane(lane())));
    let mut conn = one.acquire(Access::Write).await.unwrap();
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
    one.commit(&mut tx, &Changeset { wake: WakeUp::InTransaction, ..inserts([row("b")]) }).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    assert_eq!(heard.next().await, Some(WakeUpSignal::Lane(lane())));
}

/// SQLite may end a transaction by itself when there is no room left, and the driver does not hear of it.
#[tokio::test]
async fn a_full_disk_is_unavailable_until_there_is_room() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let large = |name: &str| {
        let mut row = row(name);
        row.detail.as_mut().unwrap().object = format!("\"{}\"", "x".repeat(2_000_000)).into();
        inserts([row])
    };
    let mut conn = store.acquire(Access::Write).await.unwrap();
    conn.execute("PRAGMA max_page_count = 200").await.unwrap();
    for _ in 0..3 {
        let error = store.commit(&mut conn, &large("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("full"), "{error}");
        store.commit(&mut conn, &inserts([])).await.unwrap();
    }
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(store.commit(&mut tx, &large("a")).await.unwrap_err().kind(), ErrorKind::Unavailable);
    drop(tx);
    assert_eq!(find(&store, "a").await.unwrap(), None);
    store.discard(conn);
    commit(&store, &large("a")).await.unwrap();
    assert_eq!(count_events(&store).await, 1);
}

#[tokio::test]
async fn a_changeset_longer_than_one_parameter_applies_whole() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let object = |number: usize| format!("\"{number}{}\"", "x".repeat(1_000_000));
    let large = |number: usize| {
        let mut row = row(&number.to_string());
        row.detail.as_mut().unwrap().object = object(number).into();
        row
    };
    let receipt = commit(&store, &inserts((0..12).map(large))).await.unwrap();
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()));
    for number in 0..12 {
        let found = find(&store, &number.to_string()).await.unwrap().unwrap();
        assert_eq!(found.id, receipt.outcomes[number].applied().unwrap().id);
        assert_eq!(*found.detail.unwrap().object, *object(number));
    }
    let stale = commit(&store, &inserts((0..12).map(large))).await.unwrap();
    assert!(stale.outcomes.iter().all(|outcome| *outcome == Outcome::Stale));
}

/// Starts as many processes at once, each of which opens the file and writes one row.
#[tokio::test]
async fn ten_processes_start_at_once_on_a_new_file() {
    let Some((_directory, path)) = file() else { return };
    let start = |number: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "one_of_ten_processes", "--nocapture"])
            .env(PATH, &path)
            .env("DELTA_TEST_NUMBER", number.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..10).map(start).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let store = SqliteOptions::new(&path).missing_file(MissingFile::Refuse).open().await.unwrap();
    for number in 0..10 {
        let found = find(&store, &format!("{number}")).await.unwrap();
        assert_eq!(found.map(|found| found.state), Some(State::Scheduled), "{number}");
    }
}

#[tokio::test]
#[ignore = "a part of ten_processes_start_at_once_on_a_new_file"]
async fn one_of_ten_processes() {
    let path = std::env::var(PATH).expect("the path of the file");
    let number = std::env::var("DELTA_TEST_NUMBER").expect("a number");
    let store = SqliteOptions::new(path).busy_timeout(Duration::from_mins(1)).open().await.unwrap();
    commit(&store, &inserts([row(&number)])).await.unwrap();
}
