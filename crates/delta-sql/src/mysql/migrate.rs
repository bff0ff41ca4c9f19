use std::fmt::Write;

use delta_core::{Error, ErrorKind, MigrationStatus, Result, Target};

use super::driver::MysqlDriver;
use super::migrations::{Ledger, migrations};
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::{Tables, first};
use crate::{Applied, History};

const OPERATION: &str = "migrate";

impl<D: MysqlDriver> Tables<D> {
    pub(super) async fn history(
        &self,
        conn: &mut D::Conn,
        ledger: &Ledger,
        operation: &'static str,
    ) -> Result<History> {
        let known = migrations(self.prefix());
        let rows = self.fetch(conn, Query::new(&ledger.has_table), operation).await?;
        let row = first(&rows, operation)?;
        if field::<_, Option<&str>>(row, 0, operation)?.is_none() {
            let what = "expected a connection to a database, found one to none: name it in the URL";
            return Err(Error::new(ErrorKind::Invalid, operation, what));
        }
        if field::<_, i64>(row, 1, operation)? == 0 {
            return Ok(History::new(known, Vec::new()));
        }
        let rows = self.fetch(conn, Query::new(&ledger.versions), operation).await?;
        let applied = |row: &D::Row| {
            let wrong = || corrupt(operation, "expected a version of the schema, found a number that is none");
            let number = |column| u32::try_from(field::<_, i64>(row, column, operation)?).map_err(|_| wrong());
            Ok(Applied { version: number(0)?, name: field(row, 1, operation)?, serves: number(2)? })
        };
        Ok(History::new(known, rows.iter().map(applied).collect::<Result<_>>()?))
    }

    /// What errors call the schema.
    pub(super) fn place(&self) -> String {
        format!("tables with the prefix {}", self.prefix())
    }

    /// Migrates to a version, on a connection of its own.
    ///
    /// Whoever comes first has a lock until its connection ends, so the others find the work done. Each statement commits by
    /// itself here, so all of them may be repeated: what was ended half-way is run again.
    pub async fn migrate_to(&self, target: Target) -> Result<Vec<MigrationStatus>> {
        let ledger = Ledger::new(self.prefix());
        let mut conn = self.driver().aside(OPERATION).await?;
        let rows = self.fetch(&mut conn, Query::new(&ledger.lock), OPERATION).await?;
        if field::<_, Option<i64>>(first(&rows, OPERATION)?, 0, OPERATION)? != Some(1) {
            let what = "expected the lock of migrations within a minute, found it held by another session";
            return Err(Error::new(ErrorKind::Unavailable, OPERATION, what));
        }
        let done = self.migrate_locked(&mut conn, &ledger, target).await;
        // A connection that has failed lets go of it as it is dropped.
        let _ = self.fetch(&mut conn, Query::new(&ledger.unlock), OPERATION).await;
        self.names().clear();
        self.log().clear();
        done
    }

    async fn migrate_locked(
        &self,
        conn: &mut D::Conn,
        ledger: &Ledger,
        target: Target,
    ) -> Result<Vec<MigrationStatus>> {
        let steps = self.history(conn, ledger, OPERATION).await?.steps(target, self.place())?;
        if steps.target > 0 {
            self.run(conn, &ledger.create_table).await?;
        }
        for migration in &steps.up {
            self.run(conn, &migration.up).await?;
            self.run(conn, &ledger.note(migration)).await?;
        }
        for migration in &steps.down {
            self.run(conn, &migration.down).await?;
            self.run(conn, &ledger.forget(migration)).await?;
        }
        if steps.target == 0 {
            self.run(conn, &ledger.drop_table).await?;
        }
        Ok(self.history(conn, ledger, OPERATION).await?.status())
    }

    /// Tells which migrations the tables have.
    pub async fn migration_status(&self, conn: &mut D::Conn) -> Result<Vec<MigrationStatus>> {
        Ok(self.history(conn, &Ledger::new(self.prefix()), OPERATION).await?.status())
    }

    /// The statements of all migrations, to be run by hand.
    #[must_use]
    pub fn migration_sql(&self) -> String {
        let ledger = Ledger::new(self.prefix());
        let mut text = format!("{};\n", ledger.create_table);
        for migration in migrations(self.prefix()) {
            let (version, name, up) = (migration.version, migration.name, migration.up.trim());
            let _ = write!(text, "\n-- {version}: {name}\n{up}\n{};\n", ledger.note(&migration));
        }
        text
    }

    async fn run(&self, conn: &mut D::Conn, text: &str) -> Result<()> {
        self.driver().script(conn, text, OPERATION).await
    }
}
