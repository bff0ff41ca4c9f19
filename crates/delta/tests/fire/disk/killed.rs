//! Processes that are killed while their disk is full.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use delta::{Client, SqliteStore};

use crate::disk::{integrity, tmpfs::Tmpfs};
use crate::log_kit::place::Place;
use crate::process::{Process, Processes, Role};
use crate::{checks, history, nightly, until};

/// How large the disk is, in kilobytes.
const DISK: usize = 12 << 10;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it mounts: the test beside it runs it where that does no harm"]
async fn killed() {
    let disk = Tmpfs::mount(DISK);
    let path = disk.path().join("delta.db");
    let url = path.to_str().unwrap();
    let mut processes = Processes::new(url, Duration::from_secs(2));
    let (mut killed, mut all) = (BTreeMap::new(), Answers::default());
    let mut process = start(&mut processes, Role::Informs).await;
    for round in 0..if nightly() { 10 } else { 3 } {
        until("a process writes", async || process.lines("acknowledged").len() >= 50).await;
        let ballast = disk.fill(round * 4096);
        until("it fails", async || process.lines("failed").len() >= 5).await;
        all.add(&process);
        killed.insert(process.number, process.kill9());

        // On a full disk the next one works, or says why it does not.
        let mut next = processes.spawn(SqliteStore::NAME, 50, Role::Informs);
        until("one starts on a full disk, or does not", async || {
            !next.lines("started").is_empty() || next.lines("errors").iter().any(|line| line.contains("disk"))
        })
        .await;
        println!("on a full disk: {}", next.lines("errors").join("\n"));
        drop(ballast);
        if next.lines("started").is_empty() {
            next.kill9();
            next = start(&mut processes, Role::Informs).await;
        }
        process = next;
    }
    until("the last one writes", async || process.lines("acknowledged").len() >= 50).await;
    process.stop().await;
    all.add(&process);

    let store = SqliteStore::connect(url).await;
    integrity(&store).await;
    process = start(&mut processes, Role::Works).await;
    let client = Client::builder(store).build().unwrap();
    checks::at_rest(&client).await;
    process.stop().await;
    all.add(&process);
    let rows = checks::rows(&client).await;
    let found: BTreeSet<String> = rows.iter().map(|row| row.key.object_id.as_str().to_owned()).collect();
    println!("{} acknowledged, {} failed, {} rows", all.acknowledged.len(), all.failed.len(), found.len());
    let lost: Vec<_> = all.acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged, and not there: {lost:?}");
    let undone: Vec<_> = all.failed.intersection(&found).collect();
    assert!(undone.is_empty(), "failed, and there: {undone:?}");
    history::check(&client).await;
    let calls = processes.calls(&killed);
    assert_eq!(calls.overlaps(), Vec::<String>::new());
    assert!(found.iter().all(|id| calls.0.contains_key(id)));
}

/// Starts one, which must.
async fn start(processes: &mut Processes, role: Role) -> Process {
    let process = Mutex::new(processes.spawn(SqliteStore::NAME, 50, role));
    until("a process starts", async || process.lock().unwrap().is_started()).await;
    process.into_inner().unwrap()
}

/// What processes were answered.
#[derive(Default)]
struct Answers {
    acknowledged: BTreeSet<String>,
    failed: BTreeSet<String>,
}

impl Answers {
    fn add(&mut self, process: &Process) {
        self.acknowledged.extend(process.lines("acknowledged"));
        for line in process.lines("failed") {
            let (id, error) = line.split_once(' ').unwrap();
            assert!(error.contains("disk"), "{error}");
            self.failed.insert(id.to_owned());
        }
    }
}
