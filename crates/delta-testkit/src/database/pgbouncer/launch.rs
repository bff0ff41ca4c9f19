use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;

use super::super::DatabaseError;
use super::super::account::Account;
use super::super::daemon;
use super::super::poll::{PATIENCE, poll};
use super::super::process::Process;
use super::super::sandbox::Sandbox;
use super::super::url::Server;

/// What differs from the pooler's own defaults, before what the caller sets.
const SETTINGS: [(&str, &str); 11] = [
    ("pool_mode", "transaction"),
    ("listen_addr", "127.0.0.1"),
    ("unix_socket_dir", ""),
    ("auth_type", "md5"),
    ("auth_file", "users.txt"),
    ("max_client_conn", "500"),
    // For each database, and more than a test has transactions open at once.
    ("default_pool_size", "20"),
    // What drivers ask for at their start and the pooler does not keep for each client; without this it refuses them.
    ("ignore_startup_parameters", "extra_float_digits"),
    // Seconds: a statement for a server that is gone is answered, with an error.
    ("query_wait_timeout", "10"),
    // Seconds: a test that restarts the server does not wait longer.
    ("server_login_retry", "1"),
    ("server_tls_sslmode", "prefer"),
];

/// What the pooler writes once it lets clients in.
const READY: &str = "process up";

/// How a pooler is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) account: Account,
    /// What it stands in front of.
    pub(super) server: Server,
    /// Those of the caller.
    pub(super) settings: Vec<(String, String)>,
}

impl daemon::Launch for Launch {
    const PASSING: &'static [&'static str] = &["Address already in use"];
    /// At once in every version, while what the other signals mean differs.
    const STOP: Signal = Signal::QUIT;
    const END: Signal = Signal::KILL;

    fn once(&self, sandbox: &Sandbox, port: u16) -> Result<Process, DatabaseError> {
        let Server { user, password, .. } = &self.server;
        self.write(sandbox, "users.txt", &format!("{} {}\n", quoted('"', user), quoted('"', password)))?;
        let configuration = self.write(sandbox, "pgbouncer.ini", &self.configuration(port))?;
        // The whole path: by it a watchdog knows its processes.
        let mut process = sandbox.spawn("pgbouncer", &self.program, &[configuration.display().to_string()])?;
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

impl Launch {
    fn configuration(&self, port: u16) -> String {
        let Server { host, port: server, .. } = &self.server;
        // Every database of the server, by its own name.
        let mut text = format!("[databases]\n* = host={} port={server}\n[pgbouncer]\n", quoted('\'', host));
        let ours = SETTINGS.iter().copied();
        let theirs = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let port = port.to_string();
        for (name, value) in ours.chain(theirs).chain([("listen_port", port.as_str())]) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name} = {value}");
        }
        text
    }

    fn write(&self, sandbox: &Sandbox, name: &str, text: &str) -> Result<PathBuf, DatabaseError> {
        let file = sandbox.path().join(name);
        fs::write(&file, text).map_err(DatabaseError::io(format!("write {}", file.display())))?;
        self.account.give(&file)?;
        Ok(file)
    }
}

fn quoted(quote: char, text: &str) -> String {
    let twice = format!("{quote}{quote}");
    format!("{quote}{}{quote}", text.replace(quote, &twice))
}
