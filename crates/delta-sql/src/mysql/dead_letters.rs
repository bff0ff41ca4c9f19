use delta_core::{
    DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable, LogName, Position, Result, Timestamp,
};

use super::driver::MysqlDriver;
use super::json;
use super::query::Query;
use super::rows::{Fields, corrupt, field};
use super::tables::{CONFLICT_LIMIT, Tables, end, first};
use super::text::error_table::ErrorTableSql;
use crate::driver::{Backoff, Row};

const PUT: &str = "put a dead letter";
const LIST: &str = "dead letters";
const MARK: &str = "mark dead letters";

impl<D: MysqlDriver> Tables<D> {
    /// The table of dead letters that comes with Delta's schema.
    #[must_use]
    pub fn dead_letter_table(&self) -> ErrorTable {
        ErrorTable::own(format!("{}_dead_letter", self.prefix()))
    }

    /// Puts a dead letter, or writes over the one of the same event and consumer. Returns its id.
    pub async fn put_dead_letter(&self, conn: &mut D::Conn, table: &ErrorTable, letter: &DeadLetter) -> Result<i64> {
        let (sql, columns) = (self.error_table(table)?, table.columns());
        let log = letter.log.as_ref().map(LogName::as_str);
        if columns.log.is_some() && log.is_none() {
            let what = "expected the name of the log, which the table has a column for, found none";
            return Err(Error::new(ErrorKind::Invalid, PUT, what));
        }
        let put = || {
            let query = Query::new(&sql.put).bind(letter.consumer.as_bytes()).bind(letter.position.get());
            let query = query.bind(letter.message.as_str()).bind(letter.status.as_number());
            let mut query = query.bind(letter.created_at).bind(letter.updated_at);
            if columns.log.is_some() {
                query = query.bind(log.map(str::as_bytes));
            }
            if columns.event.is_some() {
                query = query.bind(letter.event.as_deref());
            }
            if columns.attempts.is_some() {
                query = query.bind(letter.attempts.map(i64::from));
            }
            query
        };
        let callers = self.driver().is_in_transaction(conn);
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            match self.write(conn, put(), PUT).await {
                Err(error) if !callers && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        let answer = self.fetch(conn, Query::new(&self.sql().given_out), PUT).await?;
        field(first(&answer, PUT)?, 0, PUT)
    }

    /// Lists dead letters by id.
    pub async fn dead_letters(
        &self,
        conn: &mut D::Conn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        let sql = self.error_table(table)?;
        let consumer = query.consumer.as_ref().map(String::as_bytes);
        let (status, position) = (query.status.map(DeadLetterStatus::as_number), query.position.map(Position::get));
        let bound = Query::new(&sql.list).bind(query.after).bind(consumer).bind(consumer).bind(status).bind(status);
        let mut bound = bound.bind(position).bind(position);
        if table.columns().log.is_some() {
            let log = query.log.as_ref().map(|log| log.as_str().as_bytes());
            bound = bound.bind(log).bind(log);
        }
        let rows = self.fetch(conn, bound.bind(i64::from(query.limit)), LIST).await?;
        rows.iter().map(read).collect()
    }

    /// Gives dead letters another status. Returns how many.
    pub async fn mark_dead_letters(
        &self,
        conn: &mut D::Conn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        let sql = self.error_table(table)?;
        let callers = self.driver().is_in_transaction(conn);
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            let mut unit = self.unit(conn, MARK).await?;
            let done = self.mark_in(unit.conn(), &sql, (ids, from), to, now).await;
            match end(unit, done, MARK).await {
                Err(error) if !callers && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                done => return done,
            }
        }
    }

    async fn mark_in(
        &self,
        conn: &mut D::Conn,
        sql: &ErrorTableSql,
        (ids, from): (&[i64], &[DeadLetterStatus]),
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        let from = from.iter().map(|status| status.as_number().to_string()).collect::<Vec<_>>().join(",");
        let mut marked = 0;
        for list in json::ids(ids.iter().copied()) {
            let query = Query::new(&sql.lock).bind(list).bind(from.as_str());
            let rows = self.fetch(conn, query, MARK).await?;
            let found = rows.iter().map(|row| field(row, 0, MARK)).collect::<Result<Vec<i64>>>()?;
            marked += found.len() as u64;
            for list in json::ids(found) {
                self.write(conn, Query::new(&sql.mark).bind(list).bind(to.as_number()).bind(now), MARK).await?;
            }
        }
        Ok(marked)
    }
}

fn read<R: Row>(row: &R) -> Result<DeadLetter> {
    let mut fields = Fields::new(row, LIST);
    let (id, consumer) = (fields.take()?, fields.take()?);
    let (position, message, status): (i64, String, i64) = (fields.take()?, fields.take()?, fields.take()?);
    let status = DeadLetterStatus::from_number(status);
    let status = status.ok_or_else(|| corrupt(LIST, "expected the status of a dead letter, found a number of none"))?;
    let (created_at, updated_at): (i64, i64) = (fields.take()?, fields.take()?);
    let log = fields.take::<Option<&str>>()?.map(|name| {
        let own = LogName::own();
        if name == own.as_str() { own } else { LogName::of_table(name) }
    });
    Ok(DeadLetter {
        id,
        consumer,
        log,
        position: Position::new(position),
        message,
        status,
        event: fields.take()?,
        attempts: fields.take::<Option<i64>>()?.and_then(|attempts| u32::try_from(attempts).ok()),
        created_at: Timestamp::from_micros(created_at),
        updated_at: Timestamp::from_micros(updated_at),
    })
}
