//! A client that works, writes and consumes while its disk is full.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use delta::core::{Access, Store};
use delta::{Client, ErrorKind, LogStore as _, Resource, SqliteStore, WakeUp};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::calls::{Calls, Notes};
use crate::checks;
use crate::consumers::{self, Consumers};
use crate::disk::{integrity, tmpfs::Tmpfs};
use crate::item::{Item, Items, Takes, builder};
use crate::log_kit::chance::Seed;
use crate::log_kit::place::Place as _;
use crate::recorder::Recorder;
use crate::writer::{Book, Doubt, Progress, Wanted, Writer};
use crate::{machine_time, nightly, until};

const WRITERS: usize = 2;
/// How large the disk is, in kilobytes, and how large items are, in bytes.
const DISK: usize = 16 << 10;
const PADDING: usize = 2 << 10;
/// How many attempts end, and how many should go on, while the disk is full.
const GATED: u64 = 10;

/// How many errors all parts of the engine may meet at once, and in each second of a full disk.
const ERRORS: f64 = 50.0;
const ERRORS_A_SECOND: f64 = 60.0;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it mounts: the test beside it runs it where that does no harm"]
async fn filled() {
    let recorder: &'static Recorder = Box::leak(Box::default());
    metrics::set_global_recorder(recorder).unwrap();
    let total = |name: &str| recorder.named(name).values().map(|value| value.parse::<f64>().unwrap()).sum::<f64>();
    let seed = Seed::take("disk");
    let (disk, notes) = (Tmpfs::mount(DISK), TempDir::new().unwrap());
    let gate = notes.path().join("gate");
    let store = SqliteStore::options(disk.path().join("delta.db")).open().await.unwrap();
    consumers::create(&store).await;
    let items = Items { notes: Arc::new(Notes::of(notes.path(), 1)), gate: gate.clone() };
    let client = builder(store.clone(), items).build().unwrap();
    client.event_log(crate::log_kit::channel::table()).unwrap().create().await.unwrap();
    let consumers = Consumers::start(&client);
    let running = client.start().await.unwrap();
    let progress = Progress::default();
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let rng = seed.of("writer", number);
        let writer = Writer::new(&client, number, rng, Doubt::None, &progress).padding(PADDING);
        writers.spawn(writer.run());
    }
    let mut book = Book::default();
    for round in 0..if nightly() { 10 } else { 2 } {
        let goal = progress.acknowledged() + 100;
        until("writers write", async || progress.acknowledged() >= goal).await;
        let mut gated = Vec::new();
        for number in 0..GATED {
            // Whose leases are renewed on a full disk go on.
            let for_ever = (round % 2 == 0).then_some(Takes::ForEver);
            for takes in [Takes::UntilOpen].into_iter().chain(for_ever) {
                let id = format!("{takes:?}-{round}-{number}");
                let item = Item::new(&id, 1_000_000).takes(takes);
                client.inform(item).await.unwrap();
                book.items.insert(id.clone(), BTreeSet::from([Wanted::Present(1_000_000)]));
                gated.push(id);
            }
        }
        until("attempts have begun that last", async || {
            let calls = Calls::read(notes.path(), 1, &BTreeMap::new());
            gated.iter().all(|id| calls.0.contains_key(id))
        })
        .await;

        let (full_at, failed, errors) = (machine_time(), progress.failed(), total("delta_errors_total"));
        // Small writes find space in SQLite's log, which begins anew whenever it is taken into the file; which it cannot be
        // while somebody reads an old state.
        let reader = if round % 2 == 0 { Some(read(&store).await) } else { None };
        let ballast = disk.fill(0);
        until("all writers fail", async || progress.failed() >= failed + 20).await;
        File::create(&gate).unwrap();
        until("attempts end by themselves, and where leases cannot be renewed", async || {
            let calls = Calls::read(notes.path(), 1, &BTreeMap::new());
            gated.iter().all(|id| calls.0[id][0].ended.is_some())
        })
        .await;
        if let Some(reader) = reader {
            end(reader).await;
        }
        assert!(client.count(&delta::Filter::default()).await.is_ok(), "a full disk can be read");
        let full_for = machine_time().since(full_at).as_secs_f64();
        let met = total("delta_errors_total") - errors;
        println!("full for {full_for:.1} s: {} calls failed, {met} errors", progress.failed() - failed);
        println!("{:#?}", recorder.named("delta_errors_total"));
        assert!(met > 0.0 && met < ERRORS + ERRORS_A_SECOND * full_for, "{met} errors in {full_for} s");

        drop(ballast);
        std::fs::remove_file(&gate).unwrap();
        let goal = progress.acknowledged() + 50;
        until("writers write again", async || progress.acknowledged() >= goal).await;
    }
    progress.stop();
    for written in writers.join_all().await {
        book.add(written);
    }
    checks::at_rest(&client).await;
    checks::consumed(&client).await;
    running.stop().await;
    let given = consumers.stop().await;
    let calls = Calls::read(notes.path(), 1, &BTreeMap::new());
    println!("{} acknowledged, {} failed: {:#?}", progress.acknowledged(), progress.failed(), book.errors);
    assert!(book.errors.iter().all(|error| error.contains("disk")), "{:?}", book.errors);
    let rows = checks::told(&client, &book).await;
    checks::calls(&calls, &rows);
    checks::given_in_order(&client, &given).await;
    integrity(&store).await;
}

type Guard = <SqliteStore as Store>::Guard;

/// Reads the state of now until it ends.
async fn read(store: &SqliteStore) -> Guard {
    let mut reader = store.acquire(Access::Read).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT COUNT(*) FROM delta_resource").execute(&mut *reader).await.unwrap();
    reader
}

async fn end(mut reader: Guard) {
    sqlx::raw_sql("ROLLBACK").execute(&mut *reader).await.unwrap();
}

/// What SQLite undoes by itself for want of space is all that a transaction has done, what the caller wrote in it too.
#[tokio::test]
#[ignore = "it mounts: the test beside it runs it where that does no harm"]
async fn transaction_filled() {
    let disk = Tmpfs::mount(DISK);
    let store = SqliteStore::options(disk.path().join("delta.db")).open().await.unwrap();
    let client = Client::builder(store.clone()).build().unwrap();
    consumers::create(&store).await;
    let ballast = disk.fill(1 << 20);
    let items = || (0..60).map(|number| Item { padding: "x".repeat(64 << 10), ..Item::new(number.to_string(), 1) });
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.begin_tx(&mut conn).await.unwrap();
    SqliteStore::execute(&mut conn, "INSERT INTO effect (position) VALUES (1)").await;
    let error = client.inform_many_in(&mut conn, items(), WakeUp::AfterCommit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "the transaction is over: {error}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    store.discard(conn);
    let mut conn = store.acquire(Access::Read).await.unwrap();
    assert_eq!(SqliteStore::numbers(&mut conn, "position FROM effect").await, [0; 0]);
    drop((conn, ballast));
    client.inform_many(items()).await.unwrap();
    integrity(&store).await;
}

/// The log of SQLite (its WAL) grows for as long as somebody reads an old state. When it has grown over the whole disk, no
/// commit succeeds any more, and it is a commit that takes the log into the file.
#[tokio::test]
#[ignore = "it mounts: the test beside it runs it where that does no harm"]
async fn log_filled() {
    let disk = Tmpfs::mount(DISK);
    let store = SqliteStore::options(disk.path().join("delta.db")).open().await.unwrap();
    let client = Client::builder(store.clone()).build().unwrap();
    let items = |round: u64| {
        (0..50).map(move |number| Item { padding: "x".repeat(PADDING), ..Item::new(format!("{number}"), round) })
    };
    // The file has room for what the log holds: that of a table which is gone.
    let mut conn = store.acquire(Access::Write).await.unwrap();
    SqliteStore::execute(&mut conn, "CREATE TABLE room AS SELECT zeroblob(6 << 20) AS bytes; DROP TABLE room").await;
    drop(conn);
    client.inform_many(items(0)).await.unwrap();
    let reader = read(&store).await;
    let mut kept = 0;
    let full = loop {
        match client.inform_many(items(kept + 1)).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(full.is_transient() && full.to_string().contains("disk is full"), "{full}");
    assert!(client.inform_many(items(kept + 1)).await.is_err(), "the reader still reads");
    end(reader).await;
    until("there is space again", async || client.inform_many(items(kept + 1)).await.is_ok()).await;
    for row in checks::rows(&client).await {
        assert_eq!(Resource::<Item>::decode(row).unwrap().object.value, kept + 1);
    }
    integrity(&store).await;
}
