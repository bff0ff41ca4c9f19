//! Client processes: copies of this program, which note what they do in files of a directory.

use std::collections::BTreeMap;
use std::env;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::{Write as _, stdin};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use delta::{MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

use crate::calls::{Calls, Notes};
use crate::item::{Item, Items, PARALLELISM, builder, settings};
use crate::log_kit::place::Place;
use crate::{machine_time, until};

/// Tell a process what it is.
const URL: &str = "DELTA_FIRE_URL";
const STORE: &str = "DELTA_FIRE_STORE";
const DIRECTORY: &str = "DELTA_FIRE_DIRECTORY";
const NUMBER: &str = "DELTA_FIRE_NUMBER";
const LEASE: &str = "DELTA_FIRE_LEASE";
const INFORMS: &str = "DELTA_FIRE_INFORMS";

/// Processes on one database.
pub(crate) struct Processes {
    url: String,
    pub(crate) directory: TempDir,
    lease: Duration,
    started: i64,
}

/// What a process is besides a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Works,
    /// It informs too, one item after the other, and notes which calls were answered how.
    Informs,
}

pub(crate) struct Process {
    pub(crate) number: i64,
    directory: PathBuf,
    child: Child,
}

impl Processes {
    pub(crate) fn new(url: &str, lease: Duration) -> Self {
        Self { url: url.to_owned(), directory: TempDir::new().unwrap(), lease, started: 0 }
    }

    /// Where the gate of items is.
    pub(crate) fn gate(&self) -> PathBuf {
        self.directory.path().join("gate")
    }

    /// Starts one, on a store by its name, with a setting of its own.
    pub(crate) fn spawn(&mut self, store: &str, parallelism: u32, role: Role) -> Process {
        self.started += 1;
        let directory = self.directory.path().to_owned();
        let errors = File::create(directory.join(format!("{}.errors", self.started))).unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "process::process", "--ignored", "--nocapture"])
            .env(URL, &self.url)
            .env(STORE, store)
            .env(DIRECTORY, &directory)
            .env(NUMBER, self.started.to_string())
            .env(LEASE, self.lease.as_millis().to_string())
            .env(PARALLELISM, parallelism.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(errors);
        if role == Role::Informs {
            command.env(INFORMS, "1");
        }
        Process { number: self.started, directory, child: command.spawn().unwrap() }
    }

    /// What all of them did.
    pub(crate) fn calls(&self, killed: &BTreeMap<i64, delta::Timestamp>) -> Calls {
        Calls::read(self.directory.path(), self.started, killed)
    }
}

impl Process {
    /// The lines that it has written into one of its files.
    pub(crate) fn lines(&self, what: &str) -> Vec<String> {
        let text = read_to_string(file(&self.directory, self.number, what)).unwrap_or_default();
        // A killed process may have left half a line.
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    }

    /// Whether its client has started.
    pub(crate) fn is_started(&mut self) -> bool {
        if let Some(status) = self.child.try_wait().unwrap() {
            let errors = self.lines("errors").join("\n");
            panic!("process {} ended with {status}: {errors}", self.number);
        }
        !self.lines("started").is_empty()
    }

    /// Freezes it; returns once all of its threads stand still.
    pub(crate) async fn freeze(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).unwrap();
        let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
        until("a process stands still", async || {
            waitpid(Some(pid), options).unwrap().is_some_and(|(_, status)| status.stopped())
        })
        .await;
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// Kills it with -9, and says when it was dead at the latest.
    pub(crate) fn kill9(mut self) -> delta::Timestamp {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        machine_time()
    }

    /// Lets it end, and waits until it has.
    pub(crate) async fn stop(&mut self) {
        drop(self.child.stdin.take());
        let mut ended = None;
        let child = std::sync::Mutex::new((&mut self.child, &mut ended));
        until("a process ends", async || {
            let (child, ended) = &mut *child.lock().unwrap();
            **ended = child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        assert!(ended.is_some_and(|status| status.success()), "{}: {ended:?}", self.lines("errors").join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn file(directory: &Path, number: i64, what: &str) -> PathBuf {
    directory.join(format!("{number}.{what}"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that other tests start"]
async fn process() {
    match env::var(STORE).unwrap().as_str() {
        SqliteStore::NAME => live::<SqliteStore>().await,
        PgStore::NAME => live::<PgStore>().await,
        MySqlStore::NAME => live::<MySqlStore>().await,
        PgDieselStore::NAME => live::<PgDieselStore>().await,
        MySqlDieselStore::NAME => live::<MySqlDieselStore>().await,
        other => panic!("no such store: {other}"),
    }
}

/// Migrates, starts, works, and ends with its standard input.
async fn live<S: Place>() {
    let directory = PathBuf::from(env::var(DIRECTORY).unwrap());
    let number: i64 = env::var(NUMBER).unwrap().parse().unwrap();
    let lease = Duration::from_millis(env::var(LEASE).unwrap().parse().unwrap());
    let open = {
        let directory = directory.clone();
        move |what: &str| OpenOptions::new().create(true).append(true).open(file(&directory, number, what)).unwrap()
    };
    let log = open("log");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("delta=info,delta::executor::settle=debug"))
        .with_ansi(false)
        .with_writer(move || log.try_clone().unwrap())
        .init();
    writeln!(open("connecting"), "now").unwrap();
    let store = S::connect(&env::var(URL).unwrap()).await;
    let items = Items { notes: Arc::new(Notes::of(&directory, number)), gate: directory.join("gate") };
    let client = builder(store, items).settings(settings().lease(lease)).build().unwrap();
    let running = client.start().await.unwrap();
    writeln!(open("started"), "now").unwrap();
    let ended = tokio::task::spawn_blocking(|| stdin().read_line(&mut String::new()));
    if env::var_os(INFORMS).is_some() {
        let (mut acknowledged, mut failed) = (open("acknowledged"), open("failed"));
        let mut pause = tokio::time::interval(Duration::from_millis(2));
        for item in 1.. {
            pause.tick().await;
            if ended.is_finished() {
                break;
            }
            let id = format!("item-{number}-{item}");
            match client.inform(Item { padding: "x".repeat(2 << 10), ..Item::new(&id, item) }).await {
                Ok(_) => writeln!(acknowledged, "{id}").unwrap(),
                Err(error) => writeln!(failed, "{id} {error}").unwrap(),
            }
        }
    }
    ended.await.unwrap().unwrap();
    running.stop().await;
}
