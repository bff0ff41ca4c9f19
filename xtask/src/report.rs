use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::backend::Backend;
use crate::failure::Failure;
use crate::matrix::Matrix;

/// The file of what tests have shown about stores; the twin is in `delta_testkit::record`.
const MATRIX: &str = "matrix.tsv";

/// What the tests noted about the backends that they ran on.
#[derive(Debug)]
pub(crate) struct Report {
    directory: PathBuf,
}

impl Report {
    /// An empty report in `directory`.
    pub(crate) fn start(directory: PathBuf) -> Result<Self, Failure> {
        let doing = || format!("make {} anew", directory.display());
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(Failure::doing(doing()))?;
        }
        fs::create_dir_all(&directory).map_err(Failure::doing(doing()))?;
        Ok(Self { directory })
    }

    /// For `DELTA_TEST_RECORD`.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the tests have shown about each store.
    pub(crate) fn matrix(&self) -> Result<Matrix, Failure> {
        let file = self.directory.join(MATRIX);
        if !file.exists() {
            return Ok(Matrix::default());
        }
        let text = fs::read_to_string(&file).map_err(Failure::doing(format!("read {}", file.display())))?;
        Matrix::read(&text)
    }

    /// The summary for people: a line per backend.
    pub(crate) fn summary(&self, asked_for: &[Backend]) -> String {
        let mut text = "Backends:\n".to_owned();
        for backend in Backend::ALL {
            let name = backend.name();
            let verdict = if asked_for.contains(&backend) {
                match self.tests(backend, "ran") {
                    0 => "NO TEST ran on it".to_owned(),
                    ran => format!("{ran} tests ran"),
                }
            } else {
                format!("LEFT OUT by --backends: {} tests did not run", self.tests(backend, "left-out"))
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name:<10}{verdict}");
        }
        text
    }

    /// The backends asked for that no test ran on: a run of all tests must not call that a success.
    pub(crate) fn untouched(&self, asked_for: &[Backend]) -> Vec<Backend> {
        asked_for.iter().copied().filter(|backend| self.tests(*backend, "ran") == 0).collect()
    }

    /// How many tests noted this; one that asks several times counts once.
    fn tests(&self, backend: Backend, verdict: &str) -> usize {
        let file = self.directory.join(format!("{}.{verdict}", backend.name()));
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().collect::<HashSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Report;
    use crate::backend::Backend;

    #[test]
    fn the_summary_shows_what_ran_what_was_left_out_and_what_nobody_tested() {
        let directory = std::env::temp_dir().join(format!("delta-xtask-report-{}", std::process::id()));
        let report = Report::start(directory.clone()).unwrap();
        fs::write(directory.join("memory.ran"), "a::x\na::y\na::x\n").unwrap();
        fs::write(directory.join("postgres.left-out"), "a::z\n").unwrap();
        let asked_for = [Backend::Memory, Backend::Sqlite];
        assert_eq!(
            report.summary(&asked_for),
            "Backends:\n\
             \x20 memory    2 tests ran\n\
             \x20 sqlite    NO TEST ran on it\n\
             \x20 postgres  LEFT OUT by --backends: 1 tests did not run\n\
             \x20 mariadb   LEFT OUT by --backends: 0 tests did not run\n"
        );
        assert_eq!(report.untouched(&asked_for), [Backend::Sqlite]);
        fs::remove_dir_all(directory).unwrap();
    }
}
