use std::fs;

use rustix::process::Signal;

use super::super::DatabaseError;
use super::super::poll::{PATIENCE, poll};
use super::super::process::Process;
use super::super::sandbox::Sandbox;
use super::initialise::DATA;
use super::programs::Programs;

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

/// How a server is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) programs: Programs,
    /// Those of the caller.
    pub(super) settings: Vec<(String, String)>,
}

impl super::super::daemon::Launch for Launch {
    const PASSING: &'static [&'static str] = &["Address already in use", "is still in use"];
    const STOP: Signal = Signal::INT;
    /// Without a last checkpoint.
    const END: Signal = Signal::QUIT;

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
