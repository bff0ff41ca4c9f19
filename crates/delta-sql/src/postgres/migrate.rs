use std::sync::Arc;

use super::migrations::{Ledger, migrations};
use super::query::Query;
use super::rows::field;
use super::tables::{Tables, first};
use crate::{Migration, SchemaName};
use delta_core::{Error, ErrorKind, MigrationStatus, Result, Target};

use super::driver::PostgresDriver;
use crate::driver::Need;

const OPERATION: &str = "migrate";

/// Which versions a schema has.
enum Applied {
    NoSchema,
    NoTable,
    /// With their names.
    Versions(Vec<(u32, String)>),
}

impl Applied {
    fn named(&self) -> &[(u32, String)] {
        match self {
            Self::Versions(versions) => versions,
            Self::NoSchema | Self::NoTable => &[],
        }
    }

    fn versions(&self) -> Vec<u32> {
        self.named().iter().map(|(version, _)| *version).collect()
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Checks the schema, S15: whether the schema is the one that this version works with.
    pub async fn check(&self, conn: &mut D::Conn) -> Result<()> {
        let mut unit = self.unit(conn, Need::Statement, "check").await?;
        let ledger = Ledger::new(self.schema());
        let applied = self.applied(unit.conn(), &ledger, "check").await?;
        unit.keep("check").await?;
        let schema = self.schema();
        let known = newest(&migrations(schema));
        let found = match applied.versions().iter().max() {
            Some(&version) if version == known => return Ok(()),
            Some(&version) if version > known => {
                return Err(unsupported(
                    "check",
                    format!("{}; use a newer version of this program", newer(schema, version, known)),
                ));
            }
            Some(version) => format!("version {version}"),
            None => "none".to_owned(),
        };
        let what = format!("expected the schema {schema} in version {known}, found {found}: run `delta migrate up`");
        Err(unsupported("check", what))
    }

    async fn applied(&self, conn: &mut D::Conn, ledger: &Ledger, operation: &'static str) -> Result<Applied> {
        if !self.yes(conn, &ledger.has_schema, operation).await? {
            return Ok(Applied::NoSchema);
        }
        if !self.yes(conn, &ledger.has_table, operation).await? {
            return Ok(Applied::NoTable);
        }
        let rows = self.fetch(conn, Query::new(&ledger.versions), operation).await?;
        let version = |row: &D::Row| Ok((field::<_, i32>(row, 0, operation)?, field(row, 1, operation)?));
        let versions: Vec<(i32, String)> = rows.iter().map(version).collect::<Result<_>>()?;
        let versions = versions.into_iter();
        Ok(Applied::Versions(
            versions.filter_map(|(version, name)| Some((u32::try_from(version).ok()?, name))).collect(),
        ))
    }

    async fn migrate_in(&self, conn: &mut D::Conn, target: Target) -> Result<Vec<MigrationStatus>> {
        let ledger = Ledger::new(self.schema());
        let known = migrations(self.schema());
        self.run(conn, &ledger.lock).await?;
        let applied = self.applied(conn, &ledger, OPERATION).await?;
        let target = match target {
            Target::Latest => newest(&known),
            Target::Version(version) => version,
        };
        if let Some(&version) = applied.versions().iter().max().filter(|version| **version > newest(&known)) {
            let what = format!(
                "{}; nothing was changed: use a newer version of this program",
                newer(self.schema(), version, newest(&known))
            );
            return Err(unsupported(OPERATION, what));
        }
        if target > newest(&known) {
            let what = format!("expected a version up to {}, found {target}", newest(&known));
            return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        }
        let versions = applied.versions();
        if target > 0 {
            self.make_ledger(conn, &ledger, &applied).await?;
        }
        for migration in known.iter().filter(|one| one.version <= target && !versions.contains(&one.version)) {
            self.run(conn, &migration.up).await?;
            self.run(conn, &ledger.note(migration)).await?;
        }
        for migration in known.iter().rev().filter(|one| one.version > target && versions.contains(&one.version)) {
            self.run(conn, &migration.down).await?;
            self.run(conn, &ledger.forget(migration)).await?;
        }
        if target == 0 && matches!(applied, Applied::Versions(_)) {
            self.run(conn, &ledger.remove).await?;
        }
        Ok(status(&known, |version| version <= target))
    }

    async fn make_ledger(&self, conn: &mut D::Conn, ledger: &Ledger, applied: &Applied) -> Result<()> {
        let missing = |right: &'static str| {
            move |source: Error| match source.kind() {
                ErrorKind::Unsupported => {
                    unsupported(OPERATION, format!("the role may not create what is missing: {right}"))
                }
                _ => source,
            }
        };
        if matches!(applied, Applied::NoSchema) {
            let hint = format!("grant it CREATE on the database, or create the schema {} for it", self.schema());
            self.run(conn, &ledger.create_schema).await.map_err(|source| match source.kind() {
                ErrorKind::Unsupported => unsupported(OPERATION, format!("the role may not create a schema: {hint}")),
                _ => source,
            })?;
        }
        if !matches!(applied, Applied::Versions(_)) {
            self.run(conn, &ledger.create_table).await.map_err(missing("grant it CREATE and USAGE on the schema"))?;
        }
        Ok(())
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Migrates to a version.
    pub async fn migrate_to(&self, conn: &mut D::Conn, target: Target) -> Result<Vec<MigrationStatus>> {
        let mut unit = self.unit(conn, Need::Transaction, OPERATION).await?;
        let status = self.migrate_in(unit.conn(), target).await?;
        unit.keep(OPERATION).await?;
        self.names().clear();
        Ok(status)
    }

    /// Tells which migrations the schema has.
    pub async fn migration_status(&self, conn: &mut D::Conn) -> Result<Vec<MigrationStatus>> {
        let ledger = Ledger::new(self.schema());
        let mut unit = self.unit(conn, Need::Transaction, OPERATION).await?;
        let applied = self.applied(unit.conn(), &ledger, OPERATION).await?;
        unit.keep(OPERATION).await?;
        let known = migrations(self.schema());
        let mut status = status(&known, |version| applied.versions().contains(&version));
        let unknown = applied.named().iter().filter(|(version, _)| *version > newest(&known));
        status.extend(unknown.map(|(version, name)| MigrationStatus {
            version: *version,
            name: name.clone(),
            applied: true,
        }));
        Ok(status)
    }

    /// The statements of all migrations, to be run by hand.
    #[must_use]
    pub fn migration_sql(&self) -> String {
        let ledger = Ledger::new(self.schema());
        let mut text = format!("{};\n{};\n", ledger.create_schema, ledger.create_table);
        for migration in migrations(self.schema()) {
            let (version, name) = (migration.version, migration.name);
            let note = ledger.note(&migration);
            text += &["\n-- ", &version.to_string(), ": ", name, "\n", &migration.up, "\n", &note, ";\n"].concat();
        }
        text
    }

    async fn run(&self, conn: &mut D::Conn, text: &str) -> Result<()> {
        self.driver().script(conn, text, OPERATION).await
    }

    async fn yes(&self, conn: &mut D::Conn, text: &Arc<str>, operation: &'static str) -> Result<bool> {
        let rows = self.fetch(conn, Query::new(text), operation).await?;
        field(first(&rows, operation)?, 0, operation)
    }
}

fn newest(known: &[Migration]) -> u32 {
    known.last().map_or(0, |migration| migration.version)
}

fn status(known: &[Migration], applied: impl Fn(u32) -> bool) -> Vec<MigrationStatus> {
    let status = |one: &Migration| MigrationStatus {
        version: one.version,
        name: one.name.to_owned(),
        applied: applied(one.version),
    };
    known.iter().map(status).collect()
}

fn newer(schema: &SchemaName, found: u32, known: u32) -> String {
    format!("expected the schema {schema} in a version up to {known}, found version {found}")
}

fn unsupported(operation: &'static str, what: String) -> Error {
    Error::new(ErrorKind::Unsupported, operation, what)
}
