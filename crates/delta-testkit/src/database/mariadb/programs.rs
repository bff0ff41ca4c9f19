use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::places::{expand, on_path};

/// The oldest MariaDB that Delta works on.
const OLDEST: Version = Version(10, 6);

/// Where packages put server programs, with `*` for one name: Debian, Red Hat, by hand, Homebrew (two processors).
const USUAL: [&str; 7] = [
    "/usr/sbin",
    "/usr/libexec",
    "/usr/bin",
    "/usr/local/sbin",
    "/usr/local/mysql/bin",
    "/opt/homebrew/opt/*/bin",
    "/usr/local/opt/*/bin",
];

/// Where the script that makes a folder of data is, from where the server is.
const SCRIPT: [&str; 3] = ["mariadb-install-db", "../bin/mariadb-install-db", "../scripts/mariadb-install-db"];

/// The server programs of one version of MariaDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    version: Version,
    server: PathBuf,
    install: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

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
            .flat_map(|pattern| expand(pattern, |name| name.starts_with("mariadb")))
            .filter_map(|directory| Self::at(&directory))
            .collect();
        usual.sort_by_key(|programs| std::cmp::Reverse(programs.version));
        let found: Vec<Self> = on_path.chain(usual).collect();
        match found.iter().find(|programs| programs.version >= OLDEST) {
            Some(programs) => Ok(programs.clone()),
            None => Err(found.first().map_or_else(
                || "no programs `mariadbd` and `mariadb-install-db` on PATH or in the usual places".to_owned(),
                |old| {
                    let (Version(major, minor), Version(oldest, of)) = (old.version, OLDEST);
                    let server = old.server.display();
                    format!("{server} is of version {major}.{minor}, expected {oldest}.{of} or newer")
                },
            )),
        }
    }

    /// The server.
    pub(super) fn server(&self) -> &Path {
        &self.server
    }

    /// The script that makes a folder of data.
    pub(super) fn install(&self) -> &Path {
        &self.install
    }

    /// The programs in `directory`, or where its `mariadbd` is a link to.
    fn at(directory: &Path) -> Option<Self> {
        let server = directory.join("mariadbd").canonicalize().ok()?;
        let beside = server.parent()?;
        let install = SCRIPT.iter().map(|script| beside.join(script)).find(|script| script.is_file())?;
        let output = Command::new(&server).args(["--no-defaults", "--version"]).output().ok()?;
        Some(Self { version: version(&String::from_utf8_lossy(&output.stdout))?, server, install })
    }
}

/// Reads `mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)`.
fn version(text: &str) -> Option<Version> {
    let number = text.split_once("Ver ")?.1.trim_start();
    let number = number.split_once("-MariaDB")?.0;
    let mut parts = number.split('.');
    Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, Version, version};

    #[test]
    fn the_version_is_read() {
        for (text, expected) in [
            ("mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64", Some(Version(10, 11))),
            ("/opt/mariadbd  Ver 11.4.2-MariaDB for osx10.19 on arm64 (Homebrew)", Some(Version(11, 4))),
            ("mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)", None),
            ("postgres (PostgreSQL) 17.0", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }

    #[test]
    fn versions_are_numbers_and_not_text() {
        assert!(Version(10, 11) > OLDEST && Version(11, 4) > OLDEST);
        assert!(Version(10, 5) < OLDEST);
    }
}
