use std::sync::Arc;

use delta_core::{Error, ErrorKind, EventTable, LogName, Position, Result, Trimmed};

use super::driver::PostgresDriver;
use super::horizon::Horizon;
use super::query::Query;
use super::rows::{Fields, corrupt, field};
use super::tables::{Tables, first};

const OPERATION: &str = "trim";

/// The position that a mark says, if there is one.
pub(super) fn mark(stored: Option<&str>, log: &LogName, operation: &'static str) -> Result<Position> {
    let Some(text) = stored else { return Ok(Position::START) };
    text.parse()
        .map_err(|_| corrupt(operation, format!("expected a position as the mark of the log {log}, found {text:?}")))
}

/// Fails if what comes after a position was trimmed.
pub(super) fn check_age(after: Position, mark: Position, log: &LogName, operation: &'static str) -> Result<()> {
    if after == Position::START || after >= mark {
        return Ok(());
    }
    let what = format!("expected a position from {mark} on, up to which the log {log} was trimmed, found {after}");
    Err(Error::new(ErrorKind::CursorTooOld, operation, what))
}

impl<D: PostgresDriver> Tables<D> {
    /// The last position of Delta's own log that was trimmed: L2.
    pub async fn trimmed(&self, conn: &mut D::Conn) -> Result<Position> {
        self.read_mark(conn, &self.sql().mark, &LogName::own(), "trimmed").await
    }

    /// Removes events of Delta's own log: L2.
    pub async fn trim(&self, conn: &mut D::Conn, up_to: Position, limit: u32) -> Result<Trimmed> {
        let sql = self.sql();
        let head = self.own_horizon(conn, OPERATION).await?.head;
        self.remove_first(conn, (&sql.mark, &sql.trim), &LogName::own(), head, up_to, limit).await
    }

    /// The last position of a table that was trimmed: T6.
    pub async fn table_trimmed(&self, conn: &mut D::Conn, table: &EventTable) -> Result<Position> {
        let texts = self.event_table(table)?;
        self.read_mark(conn, &texts.mark, &table.log_name(), "trimmed").await
    }

    /// Removes events of a table's log: T6.
    pub async fn trim_table(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        let texts = self.event_table(table)?;
        let head = self.table_head(conn, table, &texts, OPERATION).await?;
        self.remove_first(conn, (&texts.mark, &texts.trim), &table.log_name(), head, up_to, limit).await
    }

    /// How far Delta's own log may be read.
    pub(super) async fn own_horizon(&self, conn: &mut D::Conn, operation: &'static str) -> Result<Horizon> {
        let horizon = self.horizon(conn, &self.sql().log, &LogName::own(), operation).await?;
        horizon.ok_or_else(|| corrupt(operation, "expected a log that is kept in order"))
    }

    pub(super) async fn read_mark(
        &self,
        conn: &mut D::Conn,
        text: &Arc<str>,
        log: &LogName,
        operation: &'static str,
    ) -> Result<Position> {
        let rows = self.read(conn, Query::new(text), operation).await?;
        mark(field(first(&rows, operation)?, 0, operation)?, log, operation)
    }

    /// Events and mark in one statement: whoever finds events missing finds the mark as well.
    async fn remove_first(
        &self,
        conn: &mut D::Conn,
        (before, trim): (&Arc<str>, &Arc<str>),
        log: &LogName,
        head: Position,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        if up_to > head {
            let what = format!("expected a position up to the head of the log {log}, {head}, found {up_to}");
            return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        }
        let before = self.read_mark(conn, before, log, OPERATION).await?;
        let query = Query::new(trim).bind(up_to.get()).bind(i64::from(limit));
        let rows = self.read(conn, query, OPERATION).await?;
        let mut fields = Fields::new(first(&rows, OPERATION)?, OPERATION);
        let (events, last): (i64, Option<i64>) = (fields.take()?, fields.take()?);
        let up_to = last.map_or(before, |last| before.max(Position::new(last)));
        Ok(Trimmed { events: u64::try_from(events).unwrap_or(0), up_to })
    }
}
