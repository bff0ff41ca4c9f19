use std::fs;
use std::net::TcpListener;

use super::super::DatabaseError;
use super::super::poll::{PATIENCE, poll};
use super::super::process::Process;
use super::super::sandbox::Sandbox;
use super::initialise::DATA;
use super::programs::Programs;

/// How many ports are tried, as somebody else may take the one that was found free.
const PORTS: u32 = 10;

/// What differs from the server's own defaults, before what the caller sets.
const SETTINGS: [(&str, &str); 6] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "300"),
    // In the directory that is removed, and not in /dev/shm, where a killed server would leave it.
    ("dynamic_shared_memory_type", "mmap"),
    // A killed process loses nothing by these; only a machine without power would, whose tests are over anyway.
    ("fsync", "off"),
    ("full_page_writes", "off"),
];

/// What a server says when something that is on its way out holds its port or its memory.
const PASSING: [&str; 2] = ["Address already in use", "is still in use"];

/// How a server is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) programs: Programs,
    /// Those of the caller.
    pub(super) settings: Vec<(String, String)>,
}

impl Launch {
    /// Starts a server on a port that nobody uses; returns when it accepts connections.
    pub(super) fn on_free_port(&self, sandbox: &Sandbox) -> Result<(u16, Process), DatabaseError> {
        let mut tries = 1;
        loop {
            let port = TcpListener::bind(("127.0.0.1", 0))
                .and_then(|listener| listener.local_addr())
                .map_err(DatabaseError::io("find a free port on 127.0.0.1"))?
                .port();
            match self.once(sandbox, port) {
                Ok(process) => return Ok((port, process)),
                Err(error) if tries == PORTS || !is_passing(&error) => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }

    /// Starts a server that has ended; returns when it accepts connections.
    pub(super) fn again(&self, sandbox: &Sandbox, port: u16) -> Result<Process, DatabaseError> {
        let mut last = None;
        let started = poll(PATIENCE, || match self.once(sandbox, port) {
            Ok(process) => Ok(Some(process)),
            Err(error) if is_passing(&error) => {
                last = Some(error);
                Ok(None)
            }
            Err(error) => Err(error),
        })?;
        match (started, last) {
            (Some(process), _) => Ok(process),
            (None, Some(error)) => Err(error),
            (None, None) => unreachable!("a poll without an answer has asked"),
        }
    }

    fn once(&self, sandbox: &Sandbox, port: u16) -> Result<Process, DatabaseError> {
        let mut arguments =
            vec!["-D".to_owned(), sandbox.path().join(DATA).display().to_string(), "-p".to_owned(), port.to_string()];
        let ours = SETTINGS.iter().map(|(name, value)| format!("{name}={value}"));
        let theirs = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
        for setting in ours.chain(theirs) {
            arguments.extend(["-c".to_owned(), setting]);
        }
        let mut process = sandbox.spawn("postgres", &self.programs.path("postgres"), &arguments)?;
        let ready = poll(PATIENCE, || match process.ended()? {
            Some(status) => Err(process.failed(format!("ended before it was ready ({status})"))),
            None => Ok(is_ready(sandbox, process.id()).then_some(())),
        })?;
        match ready {
            Some(()) => Ok(process),
            None => Err(process.failed(format!("was not ready within {PATIENCE:?}"))),
        }
    }
}

/// The server writes its state into the eighth line of this file, whose first is its process id.
fn is_ready(sandbox: &Sandbox, process: u32) -> bool {
    let text = fs::read_to_string(sandbox.path().join(DATA).join("postmaster.pid"));
    let text = text.unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    lines.next() == Some(&process.to_string()) && lines.nth(6) == Some("ready")
}

fn is_passing(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Program { log, .. } if PASSING.iter().any(|text| log.contains(text)))
}
