use delta_core::{CursorMove, CursorTable, CursorType, Error, ErrorKind, Position, Result, Timestamp};

use super::driver::{Executed, MysqlDriver};
use super::query::{Query, Value};
use super::rows::{corrupt, field};
use super::tables::{CONFLICT_LIMIT, Tables, end};
use super::text::cursor_table::CursorTableSql;
use crate::driver::Backoff;

const GET: &str = "table cursor";
const MOVE: &str = "move table cursor";

impl<D: MysqlDriver> Tables<D> {
    /// Where a consumer stands in an application's table of cursors.
    pub async fn table_cursor(
        &self,
        conn: &mut D::Conn,
        table: &CursorTable,
        consumer: &str,
    ) -> Result<Option<Position>> {
        let sql = self.cursor_table(table)?;
        let rows = self.fetch(conn, Query::new(&sql.get).bind(consumer), GET).await?;
        rows.first().map(|row| read(row, consumer, GET)).transpose()
    }

    /// Moves a consumer in an application's table of cursors forwards.
    pub async fn move_table_cursor(
        &self,
        conn: &mut D::Conn,
        table: &CursorTable,
        consumer: &str,
        to: Position,
        now: Timestamp,
    ) -> Result<CursorMove> {
        let sql = self.cursor_table(table)?;
        let position = match table.cursor_type() {
            CursorType::Int => Value::from(to.get()),
            CursorType::Text => Value::from(to.to_string()),
        };
        let callers = self.driver().is_in_transaction(conn);
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            let mut unit = self.unit(conn, MOVE).await?;
            let done = self.move_in(unit.conn(), &sql, consumer, (to, position.clone()), now).await;
            match end(unit, done, MOVE).await {
                Err(error) if !callers && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                done => return done,
            }
        }
    }

    async fn move_in(
        &self,
        conn: &mut D::Conn,
        sql: &CursorTableSql,
        consumer: &str,
        (to, position): (Position, Value<'_>),
        now: Timestamp,
    ) -> Result<CursorMove> {
        let mut rows = self.fetch(conn, Query::new(&sql.lock).bind(consumer), MOVE).await?;
        if rows.is_empty() {
            let new = Query::new(&sql.new).bind(consumer).bind_value(position.clone()).bind(now);
            if self.execute(conn, new, MOVE).await? == Executed::Done {
                return Ok(CursorMove::Done);
            }
            rows = self.fetch(conn, Query::new(&sql.lock).bind(consumer), MOVE).await?;
        }
        let Some(row) = rows.first() else {
            let what = "expected a cursor that stays, found one that comes and goes";
            return Err(Error::new(ErrorKind::Conflict, MOVE, what));
        };
        let stored = read(row, consumer, MOVE)?;
        if stored > to {
            return Ok(CursorMove::Behind(stored));
        }
        if stored < to {
            let set = Query::new(&sql.set).bind_value(position).bind(now).bind(consumer);
            self.write(conn, set, MOVE).await?;
        }
        Ok(CursorMove::Done)
    }
}

fn read<R: crate::driver::Row>(row: &R, consumer: &str, operation: &'static str) -> Result<Position> {
    let text: &str = field(row, 0, operation)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let position = digits.then(|| text.parse().ok()).flatten();
    position
        .ok_or_else(|| corrupt(operation, format!("expected a position for the consumer {consumer:?}, found {text:?}")))
}
