use delta_core::{
    DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable, LogName, Position, Result, Timestamp,
};

use super::driver::{ArrayRow, PostgresDriver};
use super::query::Query;
use super::rows::{Fields, field};
use super::tables::{Tables, first};

const PUT: &str = "put dead letter";
const LIST: &str = "dead letters";
const MARK: &str = "mark dead letters";

impl<D: PostgresDriver> Tables<D> {
    /// The table that comes with the schema: L3.
    #[must_use]
    pub fn dead_letter_table(&self) -> ErrorTable {
        ErrorTable::own(format!("{}.dead_letter", self.schema()))
    }

    /// Puts a dead letter, or overwrites the one of the same consumer, log and position: L3.
    pub async fn put_dead_letter(&self, conn: &mut D::Conn, table: &ErrorTable, letter: &DeadLetter) -> Result<i64> {
        let texts = self.error_table(table)?;
        let log = letter.log.as_ref().map(LogName::as_str);
        if log.is_none() && table.columns().log.is_some() {
            return Err(invalid(PUT, "expected a dead letter that names its log, found one that does not".to_owned()));
        }
        for text in [Some(letter.consumer.as_str()), Some(&letter.message), log, letter.event.as_deref()] {
            if let Some(text) = text.filter(|text| text.contains('\0')) {
                let start: String = text.chars().take(80).collect();
                return Err(invalid(PUT, format!("expected text without NUL, found {start:?}")));
            }
        }
        let query = Query::new(&texts.put)
            .bind(&letter.consumer)
            .bind(letter.position.get())
            .bind(&letter.message)
            .bind(letter.status.as_number())
            .bind(letter.created_at)
            .bind(letter.updated_at)
            .bind(log)
            .bind(letter.event.as_deref())
            .bind(letter.attempts.map(i64::from));
        let rows = self.read(conn, query, PUT).await?;
        field(first(&rows, PUT)?, 0, PUT)
    }

    /// Lists dead letters: L3.
    pub async fn dead_letters(
        &self,
        conn: &mut D::Conn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        let texts = self.error_table(table)?;
        if query.consumer.as_ref().is_some_and(|consumer| consumer.contains('\0')) {
            return Ok(Vec::new());
        }
        let bound = Query::new(&texts.list)
            .bind(query.consumer.as_deref())
            .bind(query.log.as_ref().map(LogName::as_str))
            .bind(query.status.map(DeadLetterStatus::as_number))
            .bind(query.position.map(Position::get))
            .bind(query.after)
            .bind(i64::from(query.limit));
        let rows = self.read(conn, bound, LIST).await?;
        rows.iter().map(letter).collect()
    }

    /// Gives dead letters another status: L3.
    pub async fn mark_dead_letters(
        &self,
        conn: &mut D::Conn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        let texts = self.error_table(table)?;
        let from: Vec<i64> = from.iter().map(|status| status.as_number()).collect();
        let query = Query::new(&texts.mark).bind(ids.to_vec()).bind(from).bind(to.as_number()).bind(now);
        Ok(self.read(conn, query, MARK).await?.len() as u64)
    }
}

fn letter<R: ArrayRow>(row: &R) -> Result<DeadLetter> {
    let mut fields = Fields::new(row, LIST);
    let id = fields.take()?;
    let consumer = fields.take()?;
    let log = fields.take::<Option<&str>>()?.map(LogName::of_table);
    let position = Position::new(fields.take()?);
    let message = fields.take()?;
    let attempts: Option<i64> = fields.take()?;
    let attempts = attempts.map(u32::try_from).transpose();
    let attempts = attempts.map_err(|_| fields.corrupt("expected a number of attempts, found one out of range"))?;
    let status: i64 = fields.take()?;
    let status = DeadLetterStatus::from_number(status)
        .ok_or_else(|| fields.corrupt(format!("expected the status of a dead letter, found {status}")))?;
    let event = fields.take()?;
    let (created_at, updated_at) = (fields.time()?, fields.time()?);
    Ok(DeadLetter { id, consumer, log, position, message, attempts, status, event, created_at, updated_at })
}

fn invalid(operation: &'static str, what: String) -> Error {
    Error::new(ErrorKind::Invalid, operation, what)
}
