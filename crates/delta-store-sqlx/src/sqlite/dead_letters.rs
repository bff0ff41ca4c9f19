use delta_core::{
    DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable, LogName, Position, Result, Timestamp,
};
use delta_sql::sqlite::error_table;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::json::ints;
use super::rows::Columns;
use super::store::Inner;
use super::transaction::whole;

const PUT: &str = "put a dead letter";
const LIST: &str = "dead letters";
const MARK: &str = "mark dead letters";

pub(super) async fn put(
    inner: &Inner,
    conn: &mut SqliteConnection,
    table: &ErrorTable,
    letter: &DeadLetter,
) -> Result<i64> {
    table.check()?;
    if table.columns().log.is_some() && letter.log.is_none() {
        let what = "expected the name of the log, which the table has a column for, found none";
        return Err(Error::new(ErrorKind::Invalid, PUT, what));
    }
    let sql = error_table::put(table);
    whole!(PUT, inner, conn => {
        let put = sqlx::query(AssertSqlSafe(sql.clone()))
            .bind(letter.consumer.clone())
            .bind(letter.position.get())
            .bind(letter.message.clone())
            .bind(letter.created_at.as_micros())
            .bind(letter.updated_at.as_micros())
            .bind(letter.status.as_number())
            .bind(letter.log.as_ref().map(|log| log.as_str().to_owned()))
            .bind(letter.event.clone())
            .bind(letter.attempts.map(i64::from));
        let row = put.fetch_one(conn).await.map_err(|failed| error(PUT, failed))?;
        Columns::new(PUT, &row).next()
    })
}

pub(super) async fn list(
    conn: &mut SqliteConnection,
    table: &ErrorTable,
    query: &DeadLetterQuery,
) -> Result<Vec<DeadLetter>> {
    table.check()?;
    let list = sqlx::query(AssertSqlSafe(error_table::list(table)))
        .bind(query.after)
        .bind(i64::from(query.limit))
        .bind(query.consumer.clone())
        .bind(query.log.as_ref().map(|log| log.as_str().to_owned()))
        .bind(query.status.map(DeadLetterStatus::as_number))
        .bind(query.position.map(Position::get));
    let rows = list.fetch_all(conn).await.map_err(|failed| error(LIST, failed))?;
    rows.iter().map(letter).collect()
}

fn letter(row: &SqliteRow) -> Result<DeadLetter> {
    let mut columns = Columns::new(LIST, row);
    let id = columns.next()?;
    Ok(DeadLetter {
        id,
        consumer: columns.next()?,
        position: Position::new(columns.next()?),
        message: columns.next()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        status: {
            let number = columns.next()?;
            let unknown =
                || columns.corrupt(format!("dead letter {id}: expected a status from 1 to 3, found {number}"));
            DeadLetterStatus::from_number(number).ok_or_else(unknown)?
        },
        log: columns.next::<Option<&str>>()?.map(LogName::of_table),
        event: columns.next()?,
        attempts: match columns.next::<Option<i64>>()? {
            None => None,
            Some(attempts) => Some(u32::try_from(attempts).map_err(|bad| columns.corrupt(bad))?),
        },
    })
}

/// Which dead letters get another status.
pub(super) struct Mark<'a> {
    pub(super) ids: &'a [i64],
    pub(super) from: &'a [DeadLetterStatus],
    pub(super) to: DeadLetterStatus,
    pub(super) now: Timestamp,
}

pub(super) async fn mark(
    inner: &Inner,
    conn: &mut SqliteConnection,
    table: &ErrorTable,
    mark: &Mark<'_>,
) -> Result<u64> {
    table.check()?;
    let sql = error_table::mark(table);
    let from = ints(mark.from.iter().map(|status| status.as_number()));
    let ids = ints(mark.ids.iter().copied());
    whole!(MARK, inner, conn => {
        let marked = sqlx::query(AssertSqlSafe(sql.clone())).bind(ids.clone()).bind(from.clone());
        let marked = marked.bind(mark.to.as_number()).bind(mark.now.as_micros()).execute(conn).await;
        Ok(marked.map_err(|failed| error(MARK, failed))?.rows_affected())
    })
}
