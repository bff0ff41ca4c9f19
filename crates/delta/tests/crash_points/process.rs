//! The process that is killed: works, informs, leads, consumes and asks, until everything is at rest.

use std::env;
use std::fs::write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use delta::core::{Retention, Target};
use delta::{Client, ClientSettings, Migrate as _, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use delta_testkit::fault::{FaultPlan, FaultStore, Operation};
use delta_testkit::history::What;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::caller::{Caller, STEPS, wanted_after};
use crate::consumers;
use crate::controllers::{Entries, Hosts, Items, Recorder};
use crate::journal::{self, Journal};
use crate::points::POINT;
use crate::stores::Crashed;
use crate::wanted::until;

/// Tell a process where its database is, through which store it goes there, where it notes what it does, and which start
/// of it this is.
pub(crate) const URL: &str = "DELTA_CRASH_URL";
pub(crate) const STORE: &str = "DELTA_CRASH_STORE";
pub(crate) const DIRECTORY: &str = "DELTA_CRASH_DIRECTORY";
pub(crate) const NUMBER: &str = "DELTA_CRASH_NUMBER";

/// Short, so that what a killed process held is soon over.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// After which time what is deleted is purged.
const PURGE: Duration = Duration::from_millis(50);

/// How long a process may take to come to rest, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

// Boxed, as are its parts: unoptimised, they are more than a test's thread has room for.
pub(crate) async fn run() {
    match env::var(STORE).unwrap().as_str() {
        SqliteStore::WORD => Box::pin(run_on::<SqliteStore>()).await,
        PgStore::WORD => Box::pin(run_on::<PgStore>()).await,
        PgDieselStore::WORD => Box::pin(run_on::<PgDieselStore>()).await,
        MySqlStore::WORD => Box::pin(run_on::<MySqlStore>()).await,
        MySqlDieselStore::WORD => Box::pin(run_on::<MySqlDieselStore>()).await,
        other => panic!("no such store: {other}"),
    }
}

fn settings() -> ClientSettings {
    let retention = Retention { deleted: Some(PURGE), ..Retention::default() };
    ClientSettings::new()
        .lease(LEASE)
        .maintenance_interval(LEASE / 2)
        .cleaner_interval(LEASE / 8)
        .inform_jitter(Duration::ZERO)
        .retention(retention)
}

async fn run_on<S: Crashed>() {
    let directory = PathBuf::from(env::var(DIRECTORY).unwrap());
    let number: usize = env::var(NUMBER).unwrap().parse().unwrap();
    // What it has to say, where it fails.
    tracing_subscriber::fmt().with_ansi(false).with_max_level(Level::INFO).with_writer(std::io::stderr).init();
    let plan = FaultPlan::new();
    if let Ok(point) = env::var(POINT) {
        plan.crash(point.parse().unwrap());
    }
    let journal = Journal::of(&directory, number);
    journal.note(What::Started(S::WORD.to_owned()));
    let day = Retention::default();
    journal.note(What::Periods { expiry: None, deleted: Some(PURGE), degraded: day.degraded, synced: day.synced });
    let store = FaultStore::new(S::open(&env::var(URL).unwrap()).await.unwrap(), plan.clone());
    let worked = tokio::time::timeout(PATIENCE, Box::pin(work(store.clone(), &journal, &directory, number))).await;
    if worked.is_err() {
        let last = delta_testkit::history::Last::read(store.inner()).await;
        let unrest = last.map(|last| wanted_after(STEPS.len()).unrest(&last));
        panic!("not at rest within {PATIENCE:?}: {unrest:#?}");
    }
    note_calls(&plan, &directory, number);
    journal.note(What::Stopped);
}

async fn work<S: Crashed>(store: FaultStore<S>, journal: &Journal, directory: &Path, number: usize) {
    store.migrate_to(Target::Latest).await.unwrap();
    let left = directory.join("left");
    let client = Client::builder(store.clone())
        .settings(settings())
        .controller(Items { journal: journal.clone() })
        .controller(Entries { journal: journal.clone(), store: store.clone() })
        .controller(Hosts { left: left.clone() })
        .layer(Recorder { journal: journal.clone() })
        .build()
        .unwrap();
    let running = client.start().await.unwrap();
    let stop = CancellationToken::new();
    let caller = async {
        let caller = Caller { client: client.clone(), journal: journal.clone(), number, left };
        caller.go_on(journal::steps_done(directory, number)).await.unwrap();
        let wanted = wanted_after(STEPS.len());
        until(store.inner(), |last| wanted.unrest(last)).await;
        stop.cancel();
    };
    tokio::join!(Box::pin(caller), consumers::run(&client, journal, &stop));
    running.stop().await;
}

fn calls_path(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("{number}.calls"))
}

fn note_calls(plan: &FaultPlan, directory: &Path, number: usize) {
    let calls: Vec<(String, u64)> =
        Operation::ALL.into_iter().map(|operation| (operation.to_string(), plan.calls(operation))).collect();
    write(calls_path(directory, number), serde_json::to_string(&calls).unwrap()).unwrap();
}

/// How often a process that came to rest has called each operation.
pub(crate) fn calls(directory: &Path, number: usize) -> Vec<(Operation, u64)> {
    let text = std::fs::read_to_string(calls_path(directory, number)).unwrap();
    let calls: Vec<(String, u64)> = serde_json::from_str(&text).unwrap();
    let operation = |name: &str| Operation::ALL.into_iter().find(|operation| operation.as_str() == name).unwrap();
    calls.into_iter().map(|(name, calls)| (operation(&name), calls)).filter(|(_, calls)| *calls > 0).collect()
}
