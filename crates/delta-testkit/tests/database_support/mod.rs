//! Processes of the tests' own, and what is left of them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Tells a copy of this program what to do.
pub(crate) const ROLE: &str = "DELTA_TESTKIT_ROLE";

#[expect(clippy::disallowed_methods, reason = "the only sign of another process's end is to look for it")]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within a minute: {what}");
}

/// A copy of this program in a role of `copy_of_this_program`, killed with -9 when dropped.
pub(crate) struct Copy {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Copy {
    pub(crate) fn start(role: &str, environment: &[(&str, &OsStr)]) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "copy_of_this_program", "--ignored", "--nocapture"])
            .env(ROLE, role)
            .env_remove("DELTA_TEST_BACKENDS")
            .env_remove("DELTA_TEST_RECORD")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            // The harness writes in front of the first line.
            .filter_map(|line| Some(line.split_once("says ")?.1.to_owned()));
        Self { child, lines: Box::new(lines) }
    }

    pub(crate) fn says(&mut self) -> String {
        self.lines.next().expect("the copy ended before it said anything")
    }

    pub(crate) fn kill9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that outlives the one that started it, by its id; ended when dropped.
pub(crate) struct Worker(pub(crate) String);

impl Worker {
    /// Whether it was still there to be ended.
    pub(crate) fn kill(&self) -> bool {
        Command::new("kill").arg(&self.0).stderr(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A directory for temporary files that the unprivileged account of a server reaches.
pub(crate) fn temporary() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

pub(crate) fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

/// Whether a program runs with `text` in its command line; always false on systems without `/proc`.
pub(crate) fn runs(text: &str) -> bool {
    fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
        fs::read(entry.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    })
}
