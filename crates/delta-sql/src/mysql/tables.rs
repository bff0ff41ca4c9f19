use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Capabilities, Error, ErrorKind, Processes, Result, Timestamp, WakeupReach, Writers};

use super::driver::{Executed, MysqlDriver};
use super::log::LogMemory;
use super::multi::Multi;
use super::names::NameCache;
use super::query::{Query, Value};
use super::rows::{corrupt, field};
use super::settings::MySqlSettings;
use super::table_cache::TableCache;
use super::text::statements::Statements;
use crate::TablePrefix;
use crate::driver::{Need, Unit};

pub(super) const BEGIN: &str = "START TRANSACTION";

/// How long a changeset is repeated that the database gave up because of others, on connections of Delta's own.
pub(super) const CONFLICT_LIMIT: Duration = Duration::from_secs(10);

/// Delta's tables in a MySQL or MariaDB database, through a driver: all of a store but its connections.
///
/// The methods are those of `Store`, `Browse` and `Migrate` in delta-core, on a connection of the driver.
#[derive(Clone)]
pub struct Tables<D> {
    driver: D,
    shared: Arc<Shared>,
}

struct Shared {
    settings: MySqlSettings,
    statements: Statements,
    names: NameCache,
    log: LogMemory,
    tables: TableCache,
}

impl<D: MysqlDriver> Tables<D> {
    /// Speaks of the tables whose names begin with a prefix, whether they exist or not.
    #[must_use]
    pub fn new(driver: D, settings: MySqlSettings) -> Self {
        let statements = Statements::new(settings.prefix());
        let (names, log, tables) = (NameCache::default(), LogMemory::default(), TableCache::default());
        Self { driver, shared: Arc::new(Shared { settings, statements, names, log, tables }) }
    }

    /// The same tables through another driver: what is known of them is shared.
    #[must_use]
    pub fn over<E: MysqlDriver>(&self, driver: E) -> Tables<E> {
        Tables { driver, shared: self.shared.clone() }
    }

    /// The driver.
    #[must_use]
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &MySqlSettings {
        &self.shared.settings
    }

    pub(super) fn prefix(&self) -> &TablePrefix {
        self.shared.settings.prefix()
    }

    pub(super) fn sql(&self) -> &Statements {
        &self.shared.statements
    }

    pub(super) fn names(&self) -> &NameCache {
        &self.shared.names
    }

    pub(super) fn log(&self) -> &LogMemory {
        &self.shared.log
    }

    pub(super) fn table_cache(&self) -> &TableCache {
        &self.shared.tables
    }

    /// What a store on these tables can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        Capabilities { wakeups: WakeupReach::None, processes: Processes::Any, writers: Writers::Many }
    }

    /// The database's own time.
    pub async fn now(&self, conn: &mut D::Conn) -> Result<Timestamp> {
        let rows = self.fetch(conn, Query::new(&self.sql().now), "now").await?;
        Ok(Timestamp::from_micros(field(first(&rows, "now")?, 0, "now")?))
    }

    /// A transaction, or a savepoint in the caller's.
    ///
    /// # Errors
    ///
    /// `Invalid` if the caller's transaction is of another isolation than read committed.
    pub(super) async fn unit<'c>(&'c self, conn: &'c mut D::Conn, operation: &'static str) -> Result<Unit<'c, D>> {
        if self.driver().is_in_transaction(conn) {
            self.check_isolation(conn, operation).await?;
        }
        Unit::open(self.driver(), conn, Need::Transaction, BEGIN, operation).await
    }

    /// Checks that a caller's transaction sees what was committed before each of its statements.
    pub(super) async fn check_isolation(&self, conn: &mut D::Conn, operation: &'static str) -> Result<()> {
        let rows = self.fetch(conn, Query::new(&self.sql().isolation), operation).await?;
        let isolation: &str = field(first(&rows, operation)?, 0, operation)?;
        if isolation.eq_ignore_ascii_case("read-committed") {
            return Ok(());
        }
        let what = format!("expected a session of the isolation READ-COMMITTED, found one of {isolation}");
        Err(Error::new(ErrorKind::Invalid, operation, what))
    }

    /// Runs a query.
    pub(super) async fn fetch(
        &self,
        conn: &mut D::Conn,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<D::Row>> {
        self.driver().fetch(conn, query, operation).await
    }

    /// Runs a statement that writes.
    pub(super) async fn execute(
        &self,
        conn: &mut D::Conn,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Executed> {
        self.driver().execute(conn, query, operation).await
    }

    /// Runs a statement that finds no key taken.
    pub(super) async fn write(&self, conn: &mut D::Conn, query: Query<'_>, operation: &'static str) -> Result<()> {
        match self.execute(conn, query, operation).await? {
            Executed::Done => Ok(()),
            Executed::Duplicate => Err(corrupt(operation, "expected a key that is free, found it taken")),
        }
    }

    /// Writes rows that find no key taken.
    pub(super) async fn write_all(&self, conn: &mut D::Conn, multi: &Multi, rows: Vec<Vec<Value<'_>>>) -> Result<()> {
        for (query, _) in multi.queries(rows) {
            self.write(conn, query, "commit").await?;
        }
        Ok(())
    }
}

/// Ends what was done in a transaction or savepoint: keeps it, or undoes it if it failed.
pub(super) async fn end<D: MysqlDriver, T>(unit: Unit<'_, D>, done: Result<T>, operation: &'static str) -> Result<T> {
    match done {
        Ok(done) => {
            unit.keep(operation).await?;
            Ok(done)
        }
        Err(error) => {
            // The first error is the one to tell of; what cannot be undone is given up with its connection.
            let _ = unit.undo(operation).await;
            Err(error)
        }
    }
}

impl<D> fmt::Debug for Tables<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

/// The first row of an answer that has one whatever the tables hold.
pub(super) fn first<'r, R>(rows: &'r [R], operation: &'static str) -> Result<&'r R> {
    rows.first().ok_or_else(|| corrupt(operation, "expected a row, found none"))
}
