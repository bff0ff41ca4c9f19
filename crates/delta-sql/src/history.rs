use std::fmt::Display;

use delta_core::{Error, ErrorKind, MigrationStatus, Result, Target};

use crate::Migration;

/// A migration that a database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its version.
    pub version: u32,
    /// What it brought.
    pub name: String,
    /// The oldest version whose programs go on working with it; see [`Migration::serves`].
    pub serves: u32,
}

/// The migrations that a program knows, and those that a database has.
///
/// `place` is what its errors call the schema, for example `the schema delta`.
#[derive(Clone, Debug)]
pub struct History {
    known: Vec<Migration>,
    applied: Vec<Applied>,
}

/// What is to be done to come to a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// To be applied, in this order.
    pub up: Vec<Migration>,
    /// To be undone, in this order.
    pub down: Vec<Migration>,
    /// The version that the database has afterwards.
    pub target: u32,
}

impl History {
    /// Compares what is known, oldest first, with what is applied, in any order.
    #[must_use]
    pub fn new(known: Vec<Migration>, mut applied: Vec<Applied>) -> Self {
        applied.sort_by_key(|one| one.version);
        Self { known, applied }
    }

    fn latest(&self) -> u32 {
        self.known.last().map_or(0, |migration| migration.version)
    }

    /// The newest version that the database has, if the program does not know it.
    fn newer(&self) -> Option<&Applied> {
        self.applied.last().filter(|newest| newest.version > self.latest())
    }

    /// Whether what is newer than the program leaves it working.
    fn serves(&self) -> bool {
        let latest = self.latest();
        self.applied.iter().filter(|one| one.version > latest).all(|one| one.serves <= latest)
    }

    /// Checks that the program works with the schema: S15.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the schema is missing, older, or newer without serving this program.
    pub fn check(&self, place: impl Display) -> Result<()> {
        let latest = self.latest();
        if self.newer().is_some() {
            return if self.serves() { Ok(()) } else { Err(self.too_new("check", place, "")) };
        }
        let found = match self.applied.last() {
            Some(newest) if newest.version == latest => return Ok(()),
            Some(newest) => format!("version {}", newest.version),
            None => "none".to_owned(),
        };
        let what = format!("expected {place} in version {latest}, found {found}: run `delta migrate up`");
        Err(Error::new(ErrorKind::Unsupported, "check", what))
    }

    /// Plans the way to a version.
    ///
    /// There is none to go to the latest from a newer version that serves this program: a process that migrates as it
    /// starts may be of the version before.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the schema is newer, and does not serve this program or is to be brought to a version; `Invalid`
    /// if nobody knows that version.
    pub fn steps(&self, target: Target, place: impl Display) -> Result<Steps> {
        let latest = self.latest();
        if let Some(newest) = self.newer() {
            if target == Target::Latest && self.serves() {
                return Ok(Steps { up: Vec::new(), down: Vec::new(), target: newest.version });
            }
            return Err(self.too_new("migrate", place, "nothing was changed: "));
        }
        let target = match target {
            Target::Latest => latest,
            Target::Version(version) if version <= latest => version,
            Target::Version(version) => {
                let what = format!("expected a version up to {latest}, found {version}");
                return Err(Error::new(ErrorKind::Invalid, "migrate", what));
            }
        };
        let has = |migration: &Migration| self.applied.iter().any(|one| one.version == migration.version);
        let up = self.known.iter().filter(|one| one.version <= target && !has(one));
        let down = self.known.iter().rev().filter(|one| one.version > target && has(one));
        Ok(Steps { up: up.cloned().collect(), down: down.cloned().collect(), target })
    }

    /// Every version that the program knows or the database has.
    #[must_use]
    pub fn status(&self) -> Vec<MigrationStatus> {
        let latest = self.latest();
        let known = self.known.iter().map(|one| MigrationStatus {
            version: one.version,
            name: one.name.to_owned(),
            applied: self.applied.iter().any(|applied| applied.version == one.version),
        });
        let unknown = self.applied.iter().filter(|one| one.version > latest).map(|one| MigrationStatus {
            version: one.version,
            name: one.name.clone(),
            applied: true,
        });
        known.chain(unknown).collect()
    }

    fn too_new(&self, operation: &'static str, place: impl Display, hint: &str) -> Error {
        let newest = self.applied.last().map(|one| format!("{} ({})", one.version, one.name)).unwrap_or_default();
        let what = format!(
            "expected {place} in a version up to {}, found version {newest}; {hint}use a newer version of this program",
            self.latest()
        );
        Error::new(ErrorKind::Unsupported, operation, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(versions: u32) -> Vec<Migration> {
        let migration = |version: u32| Migration {
            version,
            name: "step",
            serves: version.max(2) - 1,
            up: format!("up {version}"),
            down: format!("down {version}"),
        };
        (1..=versions).map(migration).collect()
    }

    /// A database of the version, as a program that knows all of it left it.
    fn history(knows: u32, has: u32) -> History {
        let applied = |one: Migration| Applied { version: one.version, name: one.name.to_owned(), serves: one.serves };
        History::new(known(knows), known(has).into_iter().map(applied).rev().collect())
    }

    #[test]
    fn a_program_works_with_its_own_schema_and_with_the_next() {
        assert!(history(2, 2).check("it").is_ok());
        assert!(history(2, 3).check("it").is_ok(), "version 3 serves version 2");
        for (has, found) in [(0, "found none"), (1, "found version 1"), (4, "found version 4 (step)")] {
            let error = history(2, has).check("it").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(found), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_applied_and_what_is_too_much_undone() {
        let versions = |steps: &[Migration]| steps.iter().map(|one| one.version).collect::<Vec<_>>();
        let steps = history(3, 1).steps(Target::Latest, "it").unwrap();
        assert_eq!((versions(&steps.up), versions(&steps.down), steps.target), (vec![2, 3], vec![], 3));
        let steps = history(3, 3).steps(Target::Version(1), "it").unwrap();
        assert_eq!((versions(&steps.up), versions(&steps.down), steps.target), (vec![], vec![3, 2], 1));
        assert_eq!(history(3, 3).steps(Target::Version(4), "it").unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn a_newer_schema_is_left_alone() {
        let steps = history(2, 3).steps(Target::Latest, "it").unwrap();
        assert_eq!(steps, Steps { up: vec![], down: vec![], target: 3 });
        for (has, target) in [(3, Target::Version(1)), (4, Target::Latest), (4, Target::Version(2))] {
            let error = history(2, has).steps(target, "it").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }

    #[test]
    fn the_status_names_what_only_the_database_has() {
        let status = history(1, 2).status();
        let shown: Vec<_> = status.iter().map(|one| (one.version, one.applied)).collect();
        assert_eq!(shown, [(1, true), (2, true)]);
        assert!(!history(1, 0).status()[0].applied);
    }
}
