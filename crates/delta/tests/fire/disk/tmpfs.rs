//! A small disk, and a process that alone sees it.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const NEEDED: &str = "expected to be able to mount a tmpfs in a mount namespace of its own: as root, or where users may make \
                      namespaces (`unshare --user --map-root-user --mount true` works); or leave the backend out by \
                      `cargo xtask test --backends`";

/// Runs an ignored test of this program in a process with a mount namespace of its own, so that what it mounts goes with it.
pub(super) fn alone(test: &str) {
    let arguments = |namespaces: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(namespaces).arg("--mount");
        command
    };
    let works = |namespaces: &[&str]| {
        let mounted = arguments(namespaces).args(["mount", "-t", "tmpfs", "delta", "/mnt"]).output();
        mounted.is_ok_and(|output| output.status.success())
    };
    let namespaces: &[&str] = match () {
        () if works(&[]) => &[],
        () if works(&["--user", "--map-root-user"]) => &["--user", "--map-root-user"],
        () => panic!("{NEEDED}"),
    };
    let program = env::current_exe().unwrap();
    let mut command = arguments(namespaces);
    let Output { status, stdout, stderr } =
        command.arg(program).args(["--exact", test, "--ignored", "--nocapture"]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    println!("{stdout}");
    assert!(status.success() && stdout.contains("1 passed"), "{test} ended with {status}:\n{stderr}");
}

/// A disk of a few megabytes, mounted in the namespace of this process.
pub(crate) struct Tmpfs(TempDir);

impl Tmpfs {
    pub(crate) fn mount(kilobytes: usize) -> Self {
        let directory = TempDir::new().unwrap();
        let options = format!("size={kilobytes}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "delta"]).arg(directory.path()).output();
        let mounted = mounted.unwrap();
        assert!(mounted.status.success(), "{}; {NEEDED}", String::from_utf8_lossy(&mounted.stderr));
        Self(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the space that is left, but for so much.
    pub(crate) fn fill(&self, leave: usize) -> Ballast {
        let path = self.path().join("ballast");
        let mut file = File::options().create(true).append(true).open(&path).unwrap();
        let mut piece = 64 << 10;
        while piece >= 512 {
            match file.write_all(&vec![1; piece]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => piece /= 2,
                Err(error) => panic!("{error}"),
            }
        }
        let size = file.metadata().unwrap().len();
        file.set_len(size.saturating_sub(leave as u64)).unwrap();
        Ballast(path)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // It goes with the namespace if it is busy.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// What takes the space until it is dropped.
pub(crate) struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}
