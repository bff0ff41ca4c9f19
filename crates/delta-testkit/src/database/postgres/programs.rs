use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::places::{expand, on_path};

/// The oldest Postgres that Delta works on.
const OLDEST: u32 = 14;

/// Where packages put server programs, with `*` for one name: Debian, Red Hat, Homebrew (two processors), Postgres.app.
const USUAL: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/*/bin",
    "/opt/homebrew/opt/*/bin",
    "/usr/local/opt/*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// The server programs of one version of Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    /// The major version.
    pub(super) version: u32,
    directory: PathBuf,
}

impl Programs {
    /// Those on `PATH`, else the newest in the usual places.
    ///
    /// # Errors
    ///
    /// Why there are none that can be used.
    pub(super) fn find() -> Result<Self, String> {
        let on_path = on_path().into_iter().filter_map(|directory| Self::at(&directory));
        let mut usual: Vec<Self> = USUAL
            .iter()
            .flat_map(|pattern| expand(pattern, |name| is_own(pattern) || is_postgres(name)))
            .filter_map(|directory| Self::at(&directory))
            .collect();
        usual.sort_by_key(|programs| std::cmp::Reverse(programs.version));
        let found: Vec<Self> = on_path.chain(usual).collect();
        match found.iter().find(|programs| programs.version >= OLDEST) {
            Some(programs) => Ok(programs.clone()),
            None => Err(found.first().map_or_else(
                || "no programs `initdb` and `postgres` on PATH or in the usual places".to_owned(),
                |old| {
                    format!(
                        "the programs in {} are of version {}, expected {OLDEST} or newer",
                        old.directory.display(),
                        old.version
                    )
                },
            )),
        }
    }

    /// The path of one of the programs.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The programs in `directory`, or where its `postgres` is a link to.
    fn at(directory: &Path) -> Option<Self> {
        let postgres = directory.join("postgres").canonicalize().ok()?;
        let directory = postgres.parent()?;
        if !directory.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(&postgres).arg("--version").output().ok()?;
        Some(Self { version: version(&String::from_utf8_lossy(&output.stdout))?, directory: directory.to_owned() })
    }
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn version(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Whether a package of this name, beside others of all kinds, is Postgres.
fn is_postgres(name: &str) -> bool {
    name.starts_with("postgresql") || name.starts_with("pgsql-")
}

/// Whether a directory is Postgres's whole own, with names that are versions.
fn is_own(pattern: &str) -> bool {
    pattern.split_once("/*/").is_some_and(|(parent, _)| parent.to_ascii_lowercase().contains("postgres"))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn the_major_version_is_read() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 17.0\n", Some(17)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) 9.6.24\n", Some(9)),
            ("mysqld  Ver 8.0\n", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
