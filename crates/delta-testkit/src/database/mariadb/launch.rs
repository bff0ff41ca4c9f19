use rustix::process::Signal;

use super::super::DatabaseError;
use super::super::daemon;
use super::super::poll::{PATIENCE, poll};
use super::super::process::Process;
use super::super::sandbox::Sandbox;
use super::initialise::{ACCOUNTS, DATA};
use super::programs::Programs;

/// Small, as every server writes one.
pub(super) const LOG_FILE_SIZE: &str = "48M";

/// What differs from the server's own defaults, before what the caller sets.
const SETTINGS: [(&str, &str); 8] = [
    ("bind-address", "127.0.0.1"),
    ("skip-name-resolve", "ON"),
    // In the folder of data: a longer path than a socket may have is easily made.
    ("socket", "server.sock"),
    ("pid-file", "server.pid"),
    ("max-connections", "500"),
    // As far as the system lets it: it sizes the cache of tables by this, and each test has tables of its own.
    ("open-files-limit", "16384"),
    ("character-set-server", "utf8mb4"),
    ("innodb-log-file-size", LOG_FILE_SIZE),
];

/// What the server writes once it lets clients in.
const READY: &str = ": ready for connections";

/// How a server is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) programs: Programs,
    /// Those of the caller.
    pub(super) settings: Vec<(String, String)>,
}

impl daemon::Launch for Launch {
    const PASSING: &'static [&'static str] = &["Address already in use", "Unable to lock"];
    const STOP: Signal = Signal::TERM;
    const END: Signal = Signal::KILL;

    fn once(&self, sandbox: &Sandbox, port: u16) -> Result<Process, DatabaseError> {
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            format!("--datadir={}", sandbox.path().join(DATA).display()),
            format!("--tmpdir={}", sandbox.path().display()),
            format!("--port={port}"),
            format!("--init-file={}", sandbox.path().join(ACCOUNTS).display()),
        ];
        let ours = SETTINGS.iter().map(|(name, value)| format!("--{name}={value}"));
        let theirs = self.settings.iter().map(|(name, value)| format!("--{name}={value}"));
        arguments.extend(ours.chain(theirs));
        let mut process = sandbox.spawn("mariadbd", self.programs.server(), &arguments)?;
        let ready = poll(PATIENCE, || match process.ended()? {
            Some(status) => Err(process.failed(format!("ended before it was ready ({status})"))),
            None => Ok(process.has_written(READY).then_some(())),
        })?;
        match ready {
            Some(()) => Ok(process),
            None => Err(process.failed(format!("was not ready within {PATIENCE:?}"))),
        }
    }
}
