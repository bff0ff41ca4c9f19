use delta_core::{CursorMove, CursorTable, CursorType, Position, Result, Timestamp};
use delta_sql::sqlite::cursor_table;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::rows::Columns;
use super::store::Inner;
use super::transaction::whole;

const GET: &str = "table cursor";
const MOVE: &str = "move a cursor";

pub(super) async fn get(conn: &mut SqliteConnection, table: &CursorTable, consumer: &str) -> Result<Option<Position>> {
    table.check()?;
    let row = sqlx::query(AssertSqlSafe(cursor_table::get(table))).bind(consumer.to_owned()).fetch_optional(conn).await;
    let Some(row) = row.map_err(|failed| error(GET, failed))? else { return Ok(None) };
    let mut columns = Columns::new(GET, &row);
    let text = match table.cursor_type() {
        CursorType::Int => columns.next::<i64>()?.to_string(),
        CursorType::Text => columns.next()?,
    };
    let corrupt = |invalid| columns.corrupt(format!("the cursor {consumer:?} in {}: {invalid}", table.name()));
    text.parse().map(Some).map_err(corrupt)
}

/// The write lock is held, so what was read stays true until the end.
pub(super) async fn go(
    inner: &Inner,
    conn: &mut SqliteConnection,
    table: &CursorTable,
    consumer: &str,
    to: Position,
    now: Timestamp,
) -> Result<CursorMove> {
    table.check()?;
    let sql = cursor_table::put(table);
    whole!(MOVE, inner, conn => {
        match get(conn, table, consumer).await? {
            Some(stored) if stored > to => return Ok(CursorMove::Behind(stored)),
            Some(stored) if stored == to => return Ok(CursorMove::Done),
            _ => {}
        }
        let put = sqlx::query(AssertSqlSafe(sql.clone())).bind(consumer.to_owned());
        let put = match table.cursor_type() {
            CursorType::Int => put.bind(to.get()),
            CursorType::Text => put.bind(to.to_string()),
        };
        put.bind(now.as_micros()).execute(conn).await.map_err(|failed| error(MOVE, failed))?;
        Ok(CursorMove::Done)
    })
}
