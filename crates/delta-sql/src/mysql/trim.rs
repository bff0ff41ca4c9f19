use std::sync::Arc;

use delta_core::{Error, ErrorKind, LogName, Position, Result, TRIM_PREFIX, Trimmed};

use super::driver::{Executed, MysqlDriver};
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::{CONFLICT_LIMIT, Tables, end, first};
use crate::driver::Backoff;

const OPERATION: &str = "trim";

/// What a trim of one log is.
pub(super) struct Trim<'a> {
    pub(super) log: &'a LogName,
    /// The last position that may be read.
    pub(super) head: i64,
    pub(super) look: &'a Arc<str>,
    pub(super) delete: &'a Arc<str>,
    pub(super) up_to: Position,
    pub(super) limit: u32,
}

/// Reads the mark of a trim.
pub(super) fn trimmed(stored: Option<&str>, operation: &'static str) -> Result<i64> {
    let Some(text) = stored else { return Ok(0) };
    let position = text.parse::<Position>().map_err(|invalid| corrupt(operation, invalid.to_string()))?;
    Ok(position.get())
}

/// Fails where events after a position are gone.
pub(super) fn check_age(log: &LogName, after: Position, trimmed: i64, operation: &'static str) -> Result<()> {
    if after == Position::START || after.get() >= trimmed {
        return Ok(());
    }
    let what =
        format!("expected a position at or after {trimmed}, up to which the log {log} was trimmed, found {after}");
    Err(Error::new(ErrorKind::CursorTooOld, operation, what))
}

/// The name of the cursor that says how far a log was trimmed.
pub(super) fn mark_name(log: &LogName) -> Vec<u8> {
    format!("{TRIM_PREFIX}{log}").into_bytes()
}

impl<D: MysqlDriver> Tables<D> {
    /// The last position of Delta's own log that was trimmed.
    pub async fn trimmed(&self, conn: &mut D::Conn) -> Result<Position> {
        self.trimmed_of(conn, &LogName::own()).await
    }

    /// Trims Delta's own log.
    pub async fn trim(&self, conn: &mut D::Conn, up_to: Position, limit: u32) -> Result<Trimmed> {
        let mut head = self.horizon(conn).await?.readable;
        if up_to.get() > head && self.driver().is_in_transaction(conn) {
            // In a caller's transaction the log is not read further than it is known to be readable.
            let mut aside = self.driver().aside(OPERATION).await?;
            head = self.horizon(&mut aside).await?.readable;
        }
        let (log, sql) = (LogName::own(), self.sql());
        let trim = Trim { log: &log, head, look: &sql.trim_look, delete: &sql.trim_delete, up_to, limit };
        self.trim_log(conn, &trim).await
    }

    pub(super) async fn trimmed_of(&self, conn: &mut D::Conn, log: &LogName) -> Result<Position> {
        let query = Query::new(&self.sql().trimmed).bind(mark_name(log));
        let rows = self.fetch(conn, query, "trimmed").await?;
        let stored = rows.first().map(|row| field(row, 0, "trimmed")).transpose()?.flatten();
        Ok(Position::new(trimmed(stored, "trimmed")?))
    }

    /// Removes the first events of a log, and says how far in the same commit.
    pub(super) async fn trim_log(&self, conn: &mut D::Conn, trim: &Trim<'_>) -> Result<Trimmed> {
        if trim.up_to.get() > trim.head {
            let what = format!("expected a position up to the head of the log, {}, found {}", trim.head, trim.up_to);
            return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        }
        let callers = self.driver().is_in_transaction(conn);
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            let mut unit = self.unit(conn, OPERATION).await?;
            let done = self.trim_in(unit.conn(), trim).await;
            match end(unit, done, OPERATION).await {
                Err(error) if !callers && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                done => return done,
            }
        }
    }

    async fn trim_in(&self, conn: &mut D::Conn, trim: &Trim<'_>) -> Result<Trimmed> {
        let (sql, name) = (self.sql(), mark_name(trim.log));
        let rows = self.fetch(conn, Query::new(&sql.lock_trimmed).bind(name.as_slice()), OPERATION).await?;
        let mark = rows.first().map(|row| trimmed(field(row, 0, OPERATION)?, OPERATION)).transpose()?;
        let look = Query::new(trim.look).bind(trim.up_to.get()).bind(i64::from(trim.limit));
        let found = self.fetch(conn, look, OPERATION).await?;
        let found = first(&found, OPERATION)?;
        let (events, last): (i64, Option<i64>) = (field(found, 0, OPERATION)?, field(found, 1, OPERATION)?);
        let Some(last) = last else {
            return Ok(Trimmed { events: 0, up_to: Position::new(mark.unwrap_or(0)) });
        };
        let up_to = Position::new(last.max(mark.unwrap_or(0)));
        if mark.is_some() {
            let raise = Query::new(&sql.raise_trimmed).bind(up_to.to_string()).bind(name.as_slice());
            self.write(conn, raise, OPERATION).await?;
        } else {
            let new = Query::new(&sql.new_trimmed).bind(name.as_slice()).bind(up_to.to_string());
            if self.execute(conn, new, OPERATION).await? == Executed::Duplicate {
                let what = "expected to be the first to trim the log, found another trim";
                return Err(Error::new(ErrorKind::Conflict, OPERATION, what));
            }
        }
        self.write(conn, Query::new(trim.delete).bind(last), OPERATION).await?;
        Ok(Trimmed { events: u64::try_from(events).unwrap_or(0), up_to })
    }
}
