use std::sync::Arc;

use delta_core::{Error, ErrorKind, LogName, Position, Result, TRIM_PREFIX, Trimmed};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::{corrupt, error};
use super::events::head;
use super::rows::Columns;
use super::statement::statement;
use super::store::Inner;
use super::transaction::whole;

const OPERATION: &str = "trim";

/// How far a log was trimmed.
pub(super) async fn mark(inner: &Inner, conn: &mut SqliteConnection, log: &LogName) -> Result<Position> {
    let row = statement(&inner.sql.log_mark).bind(mark_name(log)).fetch_optional(conn).await;
    let Some(row) = row.map_err(|failed| error("trimmed", failed))? else { return Ok(Position::START) };
    let position: Option<String> = Columns::new("trimmed", &row).next()?;
    let position = position.unwrap_or_default();
    position.parse().map_err(|invalid| corrupt("trimmed", format!("the mark of {log}: {invalid}")))
}

/// Fails if what follows a position is gone.
pub(super) async fn check_age(
    inner: &Inner,
    conn: &mut SqliteConnection,
    log: &LogName,
    after: Position,
) -> Result<()> {
    if after == Position::START {
        return Ok(());
    }
    let mark = mark(inner, conn, log).await?;
    if after >= mark {
        return Ok(());
    }
    let what = format!("expected a position at or after {mark}, up to which the log {log} was trimmed, found {after}");
    Err(Error::new(ErrorKind::CursorTooOld, "events", what))
}

/// The statements that remove the first events of a log.
pub(super) struct Removal<'a> {
    pub(super) log: LogName,
    pub(super) oldest: &'a Arc<str>,
    pub(super) remove: &'a Arc<str>,
}

/// Trims Delta's own log.
pub(super) async fn trim(inner: &Inner, conn: &mut SqliteConnection, up_to: Position, limit: u32) -> Result<Trimmed> {
    let (oldest, remove) = (&inner.sql.log_oldest, &inner.sql.log_remove);
    let removal = Removal { log: LogName::own(), oldest, remove };
    whole!(OPERATION, inner, conn => {
        let head = head(inner, conn, OPERATION).await?;
        below(up_to, head)?;
        removal.run(inner, conn, up_to, limit).await
    })
}

/// Fails if a position is above the head of its log.
pub(super) fn below(up_to: Position, head: Position) -> Result<()> {
    if up_to <= head {
        return Ok(());
    }
    let what = format!("expected a position up to the head of the log, {head}, found {up_to}");
    Err(Error::new(ErrorKind::Invalid, OPERATION, what))
}

impl Removal<'_> {
    /// Removes, and notes it in the log's mark. It runs in a transaction.
    pub(super) async fn run(
        &self,
        inner: &Inner,
        conn: &mut SqliteConnection,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        let failed = |failed| error(OPERATION, failed);
        let mark = mark(inner, conn, &self.log).await?;
        let oldest = sqlx::query(AssertSqlSafe(self.oldest.clone())).bind(up_to.get()).bind(i64::from(limit));
        let row = oldest.fetch_one(&mut *conn).await.map_err(failed)?;
        let mut columns = Columns::new(OPERATION, &row);
        let (count, last): (i64, Option<i64>) = (columns.next()?, columns.next()?);
        let Some(last) = last.map(Position::new) else { return Ok(Trimmed { events: 0, up_to: mark }) };
        let remove = sqlx::query(AssertSqlSafe(self.remove.clone())).bind(last.get());
        remove.execute(&mut *conn).await.map_err(failed)?;
        let up_to = mark.max(last);
        let put = statement(&inner.sql.put_log_mark).bind(mark_name(&self.log)).bind(up_to.to_string());
        put.execute(&mut *conn).await.map_err(failed)?;
        Ok(Trimmed { events: u64::try_from(count).unwrap_or(0), up_to })
    }
}

fn mark_name(log: &LogName) -> String {
    format!("{TRIM_PREFIX}{log}")
}
