use std::sync::Arc;

use delta_core::{
    Capabilities, CursorTable, ErrorTable, EventTable, Processes, Result, Timestamp, WakeupReach, Writers,
};

use super::driver::PostgresDriver;
use super::kept::Kept;
use super::live_table::LiveTable;
use super::names::NameCache;
use super::query::Query;
use super::rows::{corrupt, field};
use super::settings::PgSettings;
use super::text::cursor_table::CursorTableTexts;
use super::text::error_table::ErrorTableTexts;
use super::text::event_table::EventTableTexts;
use super::text::statements::Statements;
use crate::SchemaName;
use crate::driver::{Need, Unit};

/// Whatever the server's default: rows that change under a lock are to be seen as they are then.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Delta's tables in a schema of a Postgres database, through a driver: all of a store but its connections.
///
/// The methods are those of `Store`, `Browse` and `Migrate` in delta-core, on a connection of the driver.
#[derive(Clone, Debug)]
pub struct Tables<D> {
    driver: D,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: PgSettings,
    statements: Statements,
    names: NameCache,
    event_tables: Kept<EventTable, LiveTable>,
    cursor_tables: Kept<CursorTable, CursorTableTexts>,
    error_tables: Kept<ErrorTable, ErrorTableTexts>,
}

impl<D: PostgresDriver> Tables<D> {
    /// Speaks of the tables in a schema, whether they exist or not.
    #[must_use]
    pub fn new(driver: D, settings: PgSettings) -> Self {
        let statements = Statements::new(settings.schema_name());
        let shared = Shared {
            settings,
            statements,
            names: NameCache::default(),
            event_tables: Kept::default(),
            cursor_tables: Kept::default(),
            error_tables: Kept::default(),
        };
        Self { driver, shared: Arc::new(shared) }
    }

    /// The same tables through another driver: what is known of them is shared.
    #[must_use]
    pub fn over<E: PostgresDriver>(&self, driver: E) -> Tables<E> {
        Tables { driver, shared: self.shared.clone() }
    }

    /// The driver.
    #[must_use]
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &PgSettings {
        &self.shared.settings
    }

    /// What the store can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        let wakeups = if self.settings().listens() { WakeupReach::Database } else { WakeupReach::None };
        Capabilities { wakeups, processes: Processes::Any, writers: Writers::Many }
    }

    pub(super) fn schema(&self) -> &SchemaName {
        self.settings().schema_name()
    }

    pub(super) fn sql(&self) -> &Statements {
        &self.shared.statements
    }

    pub(super) fn names(&self) -> &NameCache {
        &self.shared.names
    }

    /// What is known of an event table, whose names are checked.
    pub(super) fn event_table(&self, table: &EventTable) -> Result<Arc<LiveTable>> {
        table.check()?;
        let render = || LiveTable::new(EventTableTexts::new(table, &self.schema().quoted()));
        Ok(self.shared.event_tables.of(table, render))
    }

    /// The statements for a cursor table, whose names are checked.
    pub(super) fn cursor_table(&self, table: &CursorTable) -> Result<Arc<CursorTableTexts>> {
        table.check()?;
        Ok(self.shared.cursor_tables.of(table, || CursorTableTexts::new(table)))
    }

    /// The statements for an error table, whose names are checked.
    pub(super) fn error_table(&self, table: &ErrorTable) -> Result<Arc<ErrorTableTexts>> {
        table.check()?;
        Ok(self.shared.error_tables.of(table, || ErrorTableTexts::new(table)))
    }

    /// The database's own time.
    pub async fn now(&self, conn: &mut D::Conn) -> Result<Timestamp> {
        let rows = self.read(conn, Query::new(&self.sql().now), "now").await?;
        field(first(&rows, "now")?, 0, "now")
    }

    /// As much of a transaction as is needed.
    pub(super) async fn unit<'c>(
        &'c self,
        conn: &'c mut D::Conn,
        need: Need,
        operation: &'static str,
    ) -> Result<Unit<'c, D>> {
        let driver = self.driver();
        let need = if driver.keeps_statements() || driver.is_in_transaction(conn) { need } else { Need::Transaction };
        Unit::open(driver, conn, need, BEGIN, operation).await
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

    /// Runs a query that is the only one of its unit.
    pub(super) async fn read(
        &self,
        conn: &mut D::Conn,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<D::Row>> {
        let mut unit = self.unit(conn, Need::Statement, operation).await?;
        let rows = self.fetch(unit.conn(), query, operation).await?;
        unit.keep(operation).await?;
        Ok(rows)
    }
}

/// The first row of an answer that has one whatever the tables hold.
pub(super) fn first<'r, R>(rows: &'r [R], operation: &'static str) -> Result<&'r R> {
    rows.first().ok_or_else(|| corrupt(operation, "expected a row, found none"))
}
