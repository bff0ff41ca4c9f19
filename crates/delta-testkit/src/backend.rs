use std::env;
use std::fmt;
use std::io::Write;

use crate::record;

/// The environment variable that leaves backends out: the names of those to test, separated by commas.
const BACKENDS: &str = "DELTA_TEST_BACKENDS";

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
    /// MariaDB 10.6 or newer, or MySQL 8 where `DELTA_TEST_MYSQL_URL` names one.
    MariaDb,
}

impl Backend {
    /// All backends, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Sqlite, Self::Postgres, Self::MariaDb];

    /// Its name in `DELTA_TEST_BACKENDS` and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
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
        let test = record::this_test();
        record::note(&format!("{self}.{}", if enabled { "ran" } else { "left-out" }), &test);
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
                    let known = Self::ALL.map(Self::name).join(", ");
                    panic!("{BACKENDS}: expected names among {known}, found `{unknown}`")
                })
                .contains(&self),
            Err(_) => true,
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
