use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::DatabaseError;
use super::account::Account;
use super::process::{Log, Process};

/// The watchdog's program.
const WATCHDOG: &str = include_str!("watchdog.sh");

/// How a program starts in the directory: known to the watchdog before it runs, or not at all.
const START: &str = r#"echo $$ >"$1" && [ ! -e closed ] && shift && exec "$@""#;

/// A temporary directory and the programs running in it, all of which end with the process that made it.
///
/// # Guarantees
///
/// When this value is dropped, or this process ends in any way, the programs are ended and the directory is removed, by a
/// watchdog: a shell that waits for the end of a pipe whose write end only this process holds. Programs that this process
/// spawns elsewhere do not inherit that end.
#[derive(Debug)]
pub(crate) struct Sandbox {
    path: PathBuf,
    account: Account,
    watchdog: Child,
}

impl Sandbox {
    /// Makes the directory, owned by `account`, and starts the watchdog.
    pub(crate) fn create(prefix: &str, account: Account) -> Result<Self, DatabaseError> {
        let parent = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()]
            .into_iter()
            .find(|parent| account.reaches(parent))
            .unwrap_or_else(env::temp_dir);
        let path = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(&parent)
            .and_then(|directory| directory.keep().canonicalize())
            .map_err(DatabaseError::io(format!("make a directory in {}", parent.display())))?;
        let watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "delta-testkit-watchdog"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            // An inherited output would keep a reader of the tests' output waiting.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What is sent to the tests' group, as by Ctrl-C, must not reach it.
            .process_group(0)
            .spawn()
            .map_err(DatabaseError::io("start a watchdog with /bin/sh"))?;
        let sandbox = Self { path, account, watchdog };
        account.give(&sandbox.path)?;
        Ok(sandbox)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a program in the directory; its output goes to `<name>.log` there.
    pub(crate) fn spawn(&self, name: &str, program: &Path, arguments: &[String]) -> Result<Process, DatabaseError> {
        let doing = || format!("start {}", program.display());
        let pid_file = self.path.join(format!("{name}.pid"));
        let log = self.path.join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(DatabaseError::io(format!("open {}", log.display())))?;
        let start = output.metadata().map_err(DatabaseError::io(format!("look at {}", log.display())))?.len();
        let errors = output.try_clone().map_err(DatabaseError::io(doing()))?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", START, "sh"])
            .arg(&pid_file)
            .arg(program)
            .args(arguments)
            .current_dir(&self.path)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        self.account.apply(&mut command);
        let child = command.spawn().map_err(DatabaseError::io(doing()))?;
        Ok(Process::new(child, program.to_owned(), pid_file, Log { path: log, start }))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        // Somebody may have killed the watchdog.
        let _ = fs::remove_dir_all(&self.path);
    }
}
