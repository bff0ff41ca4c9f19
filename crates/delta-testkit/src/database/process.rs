use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::DatabaseError;
use super::poll::poll;

/// How many lines of a log an error repeats.
const LOG_LINES: usize = 20;

/// A program running in a [`Sandbox`](super::sandbox::Sandbox).
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    program: PathBuf,
    pid_file: PathBuf,
    log: PathBuf,
}

impl Process {
    pub(crate) fn new(child: Child, program: PathBuf, pid_file: PathBuf, log: PathBuf) -> Self {
        Self { child, program, pid_file, log }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its outcome, if it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, DatabaseError> {
        let status =
            self.child.try_wait().map_err(DatabaseError::io(format!("wait for {}", self.program.display())))?;
        if status.is_some() {
            // The id may now become a stranger's.
            let _ = fs::remove_file(&self.pid_file);
        }
        Ok(status)
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus, DatabaseError> {
        poll(limit, || self.ended())?.ok_or_else(|| self.failed(format!("did not end within {limit:?}")))
    }

    /// Sends it a signal, if it has not ended.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<(), DatabaseError> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        kill_process(pid(self.id()), signal)
            .map_err(|error| DatabaseError::io(format!("send a signal to {}", self.program.display()))(error.into()))
    }

    /// The ids of the processes that it started and that run; empty on systems without `/proc`.
    pub(crate) fn children(&self) -> Vec<Pid> {
        let id = self.id();
        fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|id| Pid::from_raw(id.parse().ok()?))
            .collect()
    }

    /// An error that says what became of the program, with the end of its log.
    pub(crate) fn failed(&self, outcome: String) -> DatabaseError {
        DatabaseError::Program { program: self.program.clone(), outcome, log: tail(&self.log) }
    }
}

fn pid(id: u32) -> Pid {
    i32::try_from(id).ok().and_then(Pid::from_raw).expect("a child's id is a positive i32")
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
