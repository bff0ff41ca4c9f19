use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::DatabaseError;

/// As whom a server runs: database servers refuse to run as root.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// Whoever runs the tests.
    Current,
    /// An unprivileged user, because the tests run as root.
    Unprivileged { user: u32, group: u32 },
}

impl Account {
    /// The current user, or for root the first of `names` that there is.
    pub(crate) fn find(names: &'static [&'static str]) -> Result<Self, DatabaseError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Current);
        }
        names
            .iter()
            .find_map(|name| Some(Self::Unprivileged { user: id("-u", name)?, group: id("-g", name)? }))
            .ok_or(DatabaseError::NoAccount { names })
    }

    /// Makes `command` run as this account.
    pub(crate) fn apply(self, command: &mut Command) {
        if let Self::Unprivileged { user, group } = self {
            command.gid(group).uid(user);
        }
    }

    /// Gives `path` to this account.
    pub(crate) fn give(self, path: &Path) -> Result<(), DatabaseError> {
        match self {
            Self::Current => Ok(()),
            Self::Unprivileged { user, group } => std::os::unix::fs::chown(path, Some(user), Some(group))
                .map_err(DatabaseError::io(format!("give {} away", path.display()))),
        }
    }

    /// Whether this account may pass through the directory `path`.
    pub(crate) fn reaches(self, path: &Path) -> bool {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"test -x "$1""#, "sh"]).arg(path);
        command.current_dir("/").stderr(Stdio::null());
        self.apply(&mut command);
        command.status().is_ok_and(|status| status.success())
    }
}

fn id(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    let id: u32 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    // A name that is root's helps nobody.
    (id != 0).then_some(id)
}
