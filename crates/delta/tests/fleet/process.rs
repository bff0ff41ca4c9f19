//! Worker processes: copies of this program.

use std::collections::BTreeMap;
use std::env;
use std::process::{Child, Command, Stdio};

use delta::core::Timestamp;
use tempfile::TempDir;

use crate::calls::Calls;
use crate::machine_time;
use crate::stores::StoreName;
use crate::work::{CALLS, PROCESS, STORE, URL};

pub(crate) struct Processes {
    url: String,
    /// Where they note their calls.
    directory: TempDir,
    /// The stores that they are on, by turns.
    stores: &'static [StoreName],
    started: i64,
    running: Vec<(i64, Child)>,
}

impl Processes {
    pub(crate) fn start(count: usize, url: &str, stores: &'static [StoreName]) -> Self {
        let directory = TempDir::new().unwrap();
        let mut processes = Self { url: url.to_owned(), directory, stores, started: 0, running: Vec::new() };
        for _ in 0..count {
            let process = processes.spawn();
            processes.running.push(process);
        }
        processes
    }

    /// Kills a process with -9, starts another in its place, and says which one died, and when at the latest.
    pub(crate) fn replace(&mut self, index: usize) -> (i64, Timestamp) {
        let (number, child) = &mut self.running[index];
        let killed = *number;
        child.kill().unwrap();
        child.wait().unwrap();
        let died = machine_time();
        self.running[index] = self.spawn();
        (killed, died)
    }

    /// Lets all end, waits until they have, and reads what all did, the `killed` too.
    pub(crate) async fn stop(mut self, killed: &BTreeMap<i64, Timestamp>) -> Calls {
        for (number, mut child) in self.running.drain(..) {
            drop(child.stdin.take());
            let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
            assert!(status.success(), "process {number} ended with {status}");
        }
        Calls::read(self.directory.path(), self.started, killed)
    }

    fn spawn(&mut self) -> (i64, Child) {
        let store = self.stores[usize::try_from(self.started).unwrap() % self.stores.len()];
        self.started += 1;
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "worker_process", "--ignored", "--nocapture"])
            .env(URL, &self.url)
            .env(STORE, store.as_str())
            .env(CALLS, self.directory.path())
            .env(PROCESS, self.started.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        (self.started, child)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
