use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use super::DatabaseError;
use super::poll::{PATIENCE, poll};

/// Debian's own way to keep packages from starting services: this program forbids it with status 101.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// How many lines of output an error repeats.
const OUTPUT_LINES: usize = 20;

/// Whether `apt-get` can be used: this is root on Debian or a system made from it.
pub(crate) fn can_install() -> bool {
    rustix::process::geteuid().is_root()
        && Path::new("/etc/debian_version").exists()
        && Path::new("/usr/bin/apt-get").exists()
}

/// Installs a package with `apt-get`, without leaving a service running.
pub(crate) fn install(package: &'static str) -> Result<(), DatabaseError> {
    let _policy = Policy::forbid_services()?;
    // It fails when any of the machine's sources does, which need not be the one that matters.
    let updated = apt_get(package, &["update"]);
    let installed = apt_get(package, &["install", "-y", "--no-install-recommends", package]);
    installed.map_err(|error| updated.err().unwrap_or(error))
}

fn apt_get(package: &'static str, arguments: &[&str]) -> Result<(), DatabaseError> {
    let mut log = String::new();
    let done = poll(PATIENCE, || {
        let output = Command::new("/usr/bin/apt-get")
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C")
            .output()
            .map_err(DatabaseError::io("run apt-get"))?;
        if output.status.success() {
            return Ok(Some(()));
        }
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        log = lines[lines.len().saturating_sub(OUTPUT_LINES)..].join("\n");
        // The lists have a lock without a time to wait for it.
        if log.contains("Could not get lock") {
            Ok(None)
        } else {
            Err(DatabaseError::Install { package, log: log.clone() })
        }
    })?;
    done.ok_or(DatabaseError::Install { package, log })
}

/// Forbids services to be started by packages, until it is dropped.
enum Policy {
    Ours,
    /// The machine has a policy already, and keeps it.
    Theirs,
}

impl Policy {
    fn forbid_services() -> Result<Self, DatabaseError> {
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        match made {
            Ok(mut file) => {
                let policy = Self::Ours;
                file.write_all(b"#!/bin/sh\nexit 101\n").map_err(DatabaseError::io(format!("write {POLICY}")))?;
                Ok(policy)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Self::Theirs),
            Err(error) => Err(DatabaseError::io(format!("make {POLICY}"))(error)),
        }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if matches!(self, Self::Ours) {
            let _ = fs::remove_file(POLICY);
        }
    }
}
