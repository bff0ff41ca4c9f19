use delta_core::{CursorMove, CursorTable, Error, ErrorKind, Position, Result, Timestamp};

use super::driver::PostgresDriver;
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::Tables;
use super::text::cursor_table::CursorTableTexts;

impl<D: PostgresDriver> Tables<D> {
    /// Where a consumer stands in an application's table: T7.
    pub async fn table_cursor(
        &self,
        conn: &mut D::Conn,
        table: &CursorTable,
        consumer: &str,
    ) -> Result<Option<Position>> {
        let texts = self.cursor_table(table)?;
        check_consumer(consumer, "cursor")?;
        self.stored(conn, table, &texts, consumer, "cursor").await
    }

    /// Moves a consumer in an application's table forwards: T7.
    pub async fn move_table_cursor(
        &self,
        conn: &mut D::Conn,
        table: &CursorTable,
        consumer: &str,
        to: Position,
        now: Timestamp,
    ) -> Result<CursorMove> {
        const OPERATION: &str = "move cursor";
        let texts = self.cursor_table(table)?;
        check_consumer(consumer, OPERATION)?;
        let query = Query::new(&texts.advance).bind(consumer).bind(to.get()).bind(now);
        if !self.read(conn, query, OPERATION).await?.is_empty() {
            return Ok(CursorMove::Done);
        }
        match self.stored(conn, table, &texts, consumer, OPERATION).await? {
            Some(position) if position > to => Ok(CursorMove::Behind(position)),
            _ => Ok(CursorMove::Done),
        }
    }

    async fn stored(
        &self,
        conn: &mut D::Conn,
        table: &CursorTable,
        texts: &CursorTableTexts,
        consumer: &str,
        operation: &'static str,
    ) -> Result<Option<Position>> {
        let rows = self.read(conn, Query::new(&texts.position).bind(consumer), operation).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let stored: Option<&str> = field(row, 0, operation)?;
        let read = |text: &str| {
            let found = format!("expected a position of {consumer:?} in {}, found {text:?}", table.name());
            text.parse().map_err(|_| corrupt(operation, found))
        };
        stored.map(read).transpose()
    }
}

fn check_consumer(consumer: &str, operation: &'static str) -> Result<()> {
    if consumer.contains('\0') {
        let what = format!("expected the name of a consumer without NUL, found {consumer:?}");
        return Err(Error::new(ErrorKind::Invalid, operation, what));
    }
    Ok(())
}
