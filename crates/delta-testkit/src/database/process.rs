use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
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
    log: Log,
}

/// What a program writes, after what earlier ones have written to the same file.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// Where this program's part begins.
    pub(crate) start: u64,
}

impl Process {
    pub(crate) fn new(child: Child, program: PathBuf, pid_file: PathBuf, log: Log) -> Self {
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

    /// Whether it has written this.
    pub(crate) fn has_written(&self, text: &str) -> bool {
        self.log.read().contains(text)
    }

    /// An error that says what became of the program, with the end of its log.
    pub(crate) fn failed(&self, outcome: String) -> DatabaseError {
        DatabaseError::Program { program: self.program.clone(), outcome, log: tail(&self.log.read()) }
    }
}

fn pid(id: u32) -> Pid {
    i32::try_from(id).ok().and_then(Pid::from_raw).expect("a child's id is a positive i32")
}

impl Log {
    fn read(&self) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.start))?;
            file.read_to_end(&mut bytes)
        });
        // A log that cannot be read says nothing; the program's outcome is told all the same.
        let _ = read;
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
