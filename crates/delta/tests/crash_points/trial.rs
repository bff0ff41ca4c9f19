//! One trial: a database, processes that are killed at points one after the other, and one that comes to rest.

use std::env;
use std::fs::{File, read_to_string};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use delta::core::Access;
use delta_testkit::fault::{CrashPoint, Operation};
use delta_testkit::history::{Entry, History, What};
use tempfile::TempDir;

use crate::check::check;
use crate::journal::{self, actor, machine_time};
use crate::points::{POINT, Points, named};
use crate::process::{self, DIRECTORY, NUMBER, STORE, URL};
use crate::stores::{Crashed, url_of};

/// The signal of `kill -9`.
const KILLED: i32 = 9;

/// What came of it.
pub(crate) struct Trial {
    /// How many of its points were reached.
    pub(crate) reached: usize,
    /// How often the last process has called each operation.
    pub(crate) calls: Vec<(Operation, u64)>,
    /// What happened.
    pub(crate) history: History,
}

/// Runs one, and says what is wrong.
pub(crate) async fn run<S: Crashed>(points: &Points) -> Result<Trial, String> {
    let database = S::database().await;
    let url = url_of(&database);
    let directory = TempDir::new().unwrap();
    let store = S::open(&url).await.map_err(|error| error.to_string())?;
    let mut conn = store.acquire(Access::Write).await.map_err(|error| error.to_string())?;
    for table in
        ["booked (position bigint)", "settled (resource bigint, generation bigint)", "bought (generation bigint)"]
    {
        S::execute(&mut conn, &format!("CREATE TABLE {table}")).await;
    }
    drop(conn);
    let mut history = Vec::new();
    let mut reached = 0;
    let mut number = 0;
    let mut points_left = points.iter();
    loop {
        number += 1;
        let point = points_left.next();
        let mut process = Process::start::<S>(&url, directory.path(), number, point);
        let killed = process.killed(directory.path(), number).await;
        history.extend(journal::read(directory.path(), number));
        let entry = |what| Entry { at: machine_time(), actor: actor(number), what };
        let told = |error| format!("{error}\n{}", tail(&history));
        if killed.map_err(told)? {
            history.push(entry(What::Crashed));
            reached += 1;
        } else {
            break;
        }
        if reached == points.len() {
            history.push(entry(What::Calm));
        }
    }
    let history: History = history.into_iter().collect();
    let checked = check(&store, &history).await;
    checked.map_err(|error| format!("{error}\n{}", tail(history.entries())))?;
    Ok(Trial { reached, calls: process::calls(directory.path(), number), history })
}

fn tail(entries: &[Entry]) -> String {
    let lines: Vec<String> = entries.iter().map(|entry| format!("  {entry}")).collect();
    lines.join("\n")
}

/// What a test of that name prints of points that failed.
pub(crate) fn how_to_repeat<S: Crashed>(points: &Points) -> String {
    format!("{}: {POINT}={}", S::WORD, named(points))
}

struct Process(Child);

impl Process {
    fn start<S: Crashed>(url: &str, directory: &Path, number: usize, point: Option<&CrashPoint>) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "process", "--ignored", "--nocapture", "--test-threads=1"])
            .env(URL, url)
            .env(STORE, S::WORD)
            .env(DIRECTORY, directory)
            .env(NUMBER, number.to_string())
            .env_remove(POINT)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(errors(directory, number)).unwrap());
        if let Some(point) = point {
            command.env(POINT, point.to_string());
        }
        Self(command.spawn().unwrap())
    }

    /// Waits for its end, and says whether it was killed; it has come to rest otherwise.
    async fn killed(&mut self, directory: &Path, number: usize) -> Result<bool, String> {
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(10));
        let status = loop {
            tick.tick().await;
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
        };
        match status.signal() {
            Some(KILLED) => Ok(true),
            _ if status.success() => Ok(false),
            _ => {
                let errors = read_to_string(errors(directory, number)).unwrap_or_default();
                Err(format!("process {number} ended with {status}:\n{errors}"))
            }
        }
    }
}

fn errors(directory: &Path, number: usize) -> std::path::PathBuf {
    directory.join(format!("{number}.errors"))
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
