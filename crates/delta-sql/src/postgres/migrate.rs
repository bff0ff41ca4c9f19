use std::sync::Arc;

use delta_core::{Error, ErrorKind, MigrationStatus, Result, Target};

use super::driver::PostgresDriver;
use super::migrations::{Ledger, migrations};
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::{Tables, first};
use crate::driver::Need;
use crate::{Applied, History, Migration};

const OPERATION: &str = "migrate";

/// How much of the ledger a database has.
enum Found {
    NoSchema,
    NoTable,
    Migrations(Vec<Applied>),
}

impl Found {
    fn history(&self, known: Vec<Migration>) -> History {
        match self {
            Self::Migrations(applied) => History::new(known, applied.clone()),
            Self::NoSchema | Self::NoTable => History::new(known, Vec::new()),
        }
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Checks that the schema is one that this version works with: S15.
    pub async fn check(&self, conn: &mut D::Conn) -> Result<()> {
        let mut unit = self.unit(conn, Need::Statement, "check").await?;
        let found = self.found(unit.conn(), &Ledger::new(self.schema()), "check").await?;
        unit.keep("check").await?;
        found.history(migrations(self.schema())).check(self.place())
    }

    /// What errors call the schema.
    fn place(&self) -> String {
        format!("the schema {}", self.schema())
    }

    async fn found(&self, conn: &mut D::Conn, ledger: &Ledger, operation: &'static str) -> Result<Found> {
        if !self.yes(conn, &ledger.has_schema, operation).await? {
            return Ok(Found::NoSchema);
        }
        if !self.yes(conn, &ledger.has_table, operation).await? {
            return Ok(Found::NoTable);
        }
        let rows = self.fetch(conn, Query::new(&ledger.versions), operation).await?;
        let number = |row: &D::Row, column| {
            let number: i32 = field(row, column, operation)?;
            u32::try_from(number).map_err(|_| corrupt(operation, format!("expected a version, found {number}")))
        };
        let applied = |row: &D::Row| {
            Ok(Applied { version: number(row, 0)?, name: field(row, 1, operation)?, serves: number(row, 2)? })
        };
        Ok(Found::Migrations(rows.iter().map(applied).collect::<Result<_>>()?))
    }

    async fn migrate_in(&self, conn: &mut D::Conn, target: Target) -> Result<Vec<MigrationStatus>> {
        let ledger = Ledger::new(self.schema());
        self.run(conn, &ledger.lock).await?;
        let found = self.found(conn, &ledger, OPERATION).await?;
        let steps = found.history(migrations(self.schema())).steps(target, self.place())?;
        if steps.target > 0 {
            self.make_ledger(conn, &ledger, &found).await?;
        }
        for migration in &steps.up {
            self.run(conn, &migration.up).await?;
            self.run(conn, &ledger.note(migration)).await?;
        }
        for migration in &steps.down {
            self.run(conn, &migration.down).await?;
            self.run(conn, &ledger.forget(migration)).await?;
        }
        if steps.target == 0 && matches!(found, Found::Migrations(_)) {
            self.run(conn, &ledger.remove).await?;
        }
        Ok(self.found(conn, &ledger, OPERATION).await?.history(migrations(self.schema())).status())
    }

    async fn make_ledger(&self, conn: &mut D::Conn, ledger: &Ledger, found: &Found) -> Result<()> {
        let missing = |right: &'static str| {
            move |source: Error| match source.kind() {
                ErrorKind::Unsupported => {
                    unsupported(OPERATION, format!("the role may not create what is missing: {right}"))
                }
                _ => source,
            }
        };
        if matches!(found, Found::NoSchema) {
            let hint = format!("grant it CREATE on the database, or create the schema {} for it", self.schema());
            self.run(conn, &ledger.create_schema).await.map_err(|source| match source.kind() {
                ErrorKind::Unsupported => unsupported(OPERATION, format!("the role may not create a schema: {hint}")),
                _ => source,
            })?;
        }
        if !matches!(found, Found::Migrations(_)) {
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
        let mut unit = self.unit(conn, Need::Transaction, OPERATION).await?;
        let found = self.found(unit.conn(), &Ledger::new(self.schema()), OPERATION).await?;
        unit.keep(OPERATION).await?;
        Ok(found.history(migrations(self.schema())).status())
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

fn unsupported(operation: &'static str, what: String) -> Error {
    Error::new(ErrorKind::Unsupported, operation, what)
}
