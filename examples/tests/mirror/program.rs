use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::snapshot::{Snapshot, snapshot};

/// A source and a target in a directory of their own.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(10);

/// The example, which `cargo test` builds before it runs the tests of its package.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/mirror");
    assert!(program.is_file(), "expected {}: `cargo build -p delta-examples --examples` builds it", program.display());
    program
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("source")).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.directory.path().join("source")
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.directory.path().join("target")
    }

    /// Writes a file of the source, with the directories on its way.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.source().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.arg(self.source()).arg(self.target()).args(arguments);
        command.stdin(Stdio::null()).env_remove("DELTA_MIRROR_URL");
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// Starts the program, and leaves it alone.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running(Some(child))
    }

    /// Runs the program, which must succeed and leave an exact copy.
    pub(crate) fn mirror(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{run:?}");
        self.assert_exact();
        run
    }

    pub(crate) fn assert_exact(&self) {
        let (source, target) = (self.source_snapshot(), self.target_snapshot());
        for (path, entry) in &source {
            assert_eq!(Some(entry), target.get(path), "{}", path.display());
        }
        assert_eq!(
            source.len(),
            target.len(),
            "{:?}",
            target.keys().filter(|path| !source.contains_key(*path)).collect::<Vec<_>>()
        );
    }

    pub(crate) fn source_snapshot(&self) -> Snapshot {
        snapshot(&self.source())
    }

    pub(crate) fn target_snapshot(&self) -> Snapshot {
        snapshot(&self.target())
    }
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from_output(command.output().unwrap())
    }

    fn from_output(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A count of the summary, by the word that its line begins with.
    pub(crate) fn count(&self, word: &str) -> u64 {
        let line = self.out.lines().find_map(|line| line.strip_prefix(word)).unwrap_or_else(|| panic!("{self:?}"));
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

/// A program that runs; killed when the test is done with it.
#[derive(Debug)]
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn is_over(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.0.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(crate) fn wait(mut self) -> Run {
        Run::from_output(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Waits until something has come true in another process, and fails if it does not in time.
#[expect(clippy::disallowed_methods, reason = "another process is polled, and its state is what is waited for")]
pub(crate) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
        if is_true() {
            return;
        }
        std::thread::sleep(LOOK);
    }
    panic!("expected {what} within {PATIENCE:?}");
}
