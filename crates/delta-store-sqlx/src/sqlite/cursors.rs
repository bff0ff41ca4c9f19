use delta_core::{Cursor, CursorChange, CursorQuery, Owner, Result, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::errors::error;
use super::json::{JsonRows, texts};
use super::rows::Columns;
use super::statement::{run, statement};
use super::store::Inner;

pub(super) async fn cursors(inner: &Inner, conn: &mut SqliteConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
    let sql = &inner.sql;
    let statement = match query {
        CursorQuery::Names(names) => statement(&sql.cursors_by_names).bind(texts(names.iter().map(String::as_str))),
        CursorQuery::Prefix(prefix) => statement(&sql.cursors_by_prefix).bind(prefix.clone()),
        CursorQuery::Due { prefix, now, limit } => {
            statement(&sql.cursors_due).bind(prefix.clone()).bind(now.as_micros()).bind(i64::from(*limit))
        }
    };
    let rows = statement.fetch_all(conn).await.map_err(|failed| error("cursors", failed))?;
    rows.iter().map(cursor).collect()
}

fn cursor(row: &SqliteRow) -> Result<Cursor> {
    let mut columns = Columns::new("cursors", row);
    Ok(Cursor {
        name: columns.next()?,
        position: columns.next()?,
        holder: columns.next::<Option<i64>>()?.map(Owner::new),
        lease_until: columns.time_or_null()?,
        next_at: columns.time_or_null()?,
        data: columns.next()?,
        version: columns.next()?,
    })
}

/// Writes cursors whose fences hold.
pub(super) async fn write(inner: &Inner, conn: &mut SqliteConnection, changes: &[CursorChange]) -> Result<()> {
    let mut puts = JsonRows::default();
    let mut removed = Vec::new();
    for change in changes {
        match change {
            CursorChange::Put(cursor) => {
                let row = puts.row().text(&cursor.name).text_or_null(cursor.position.as_deref());
                let row = row.int_or_null(cursor.holder.map(Owner::get));
                let row = row.int_or_null(cursor.lease_until.map(Timestamp::as_micros));
                let row = row.int_or_null(cursor.next_at.map(Timestamp::as_micros));
                drop(row.text_or_null(cursor.data.as_deref()).int(cursor.version + 1));
            }
            CursorChange::Remove { name, .. } => removed.push(name.as_str()),
        }
    }
    run("commit", conn, &inner.sql.put_cursors, puts, |query| query).await?;
    if !removed.is_empty() {
        let done = statement(&inner.sql.remove_cursors).bind(texts(removed)).execute(conn).await;
        done.map_err(|failed| error("commit", failed))?;
    }
    Ok(())
}
