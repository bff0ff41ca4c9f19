use std::env;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// The environment variable that leaves backends out: the names of those to test, separated by commas.
const BACKENDS: &str = "DELTA_TEST_BACKENDS";

/// The environment variable that names a directory where tests note the backends that they ran on.
const RECORD: &str = "DELTA_TEST_RECORD";

/// A backend that tests run on.
///
/// All of them are tested unless the environment variable `DELTA_TEST_BACKENDS` lists some, as
/// `cargo xtask test --backends memory,sqlite` does.
///
/// # Examples
///
/// ```
/// use delta_testkit::Backend;
///
/// # async fn test() {
/// if !Backend::Sqlite.enabled() {
///     return;
/// }
/// // The test.
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The reference model.
    Memory,
    /// The embedded default.
    Sqlite,
    /// Postgres 14 or newer.
    Postgres,
}

impl Backend {
    /// All backends, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Sqlite, Self::Postgres];

    /// Its name in `DELTA_TEST_BACKENDS` and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Says whether the calling test runs on this backend, and notes the answer for the report of `cargo xtask test`.
    ///
    /// When the answer is no, a line on standard error says that this test left the backend out.
    ///
    /// # Panics
    ///
    /// When `DELTA_TEST_BACKENDS` names something that is not a backend: a misspelt name would leave one out silently.
    #[must_use]
    pub fn enabled(self) -> bool {
        let enabled = self.listed();
        let test = this_test();
        self.record(&test, enabled);
        if !enabled {
            // Not `eprintln!`, which the test harness hides when the test passes.
            let _ = writeln!(std::io::stderr(), "{self} is left out by {BACKENDS}: {test}");
        }
        enabled
    }

    fn listed(self) -> bool {
        match env::var(BACKENDS) {
            Ok(list) => parse(&list)
                .unwrap_or_else(|unknown| {
                    panic!("{BACKENDS}: expected names among memory, sqlite, postgres, found `{unknown}`")
                })
                .contains(&self),
            Err(_) => true,
        }
    }

    fn record(self, test: &str, enabled: bool) {
        let Some(directory) = env::var_os(RECORD) else {
            return;
        };
        let verdict = if enabled { "ran" } else { "left-out" };
        let file = Path::new(&directory).join(format!("{self}.{verdict}"));
        let noted = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all(format!("{test}\n").as_bytes()));
        if let Err(error) = noted {
            panic!("{RECORD}: could not write {}: {error}", file.display());
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn parse(list: &str) -> Result<Vec<Backend>, String> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| Backend::ALL.into_iter().find(|backend| backend.name() == name).ok_or_else(|| name.to_owned()))
        .collect()
}

/// The program and the test; the harness names a test's thread after it.
fn this_test() -> String {
    let program = env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_stem);
    let thread = std::thread::current();
    format!("{}::{}", program.map_or_else(|| "?".into(), |name| name.to_string_lossy()), thread.name().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::{Backend, parse};

    #[test]
    fn a_list_of_backends_is_read_in_any_order() {
        assert_eq!(parse("postgres, memory"), Ok(vec![Backend::Postgres, Backend::Memory]));
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn a_misspelt_backend_is_refused() {
        assert_eq!(parse("memory,postgre"), Err("postgre".to_owned()));
    }
}
