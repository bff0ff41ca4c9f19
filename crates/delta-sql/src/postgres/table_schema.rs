use delta_core::{CursorTable, ErrorTable, EventTable, Result};

use super::driver::PostgresDriver;
use super::query::Query;
use super::rows::field;
use super::tables::{Tables, first};
use super::text::catalog;
use crate::driver::Need;

const OPERATION: &str = "create table";

impl<D: PostgresDriver> Tables<D> {
    /// The statements that make an event table: T1.
    pub fn event_table_sql(&self, table: &EventTable) -> Result<String> {
        Ok(self.event_table(table)?.create.clone())
    }

    /// The statements that make a cursor table: T1.
    pub fn cursor_table_sql(&self, table: &CursorTable) -> Result<String> {
        Ok(self.cursor_table(table)?.create.clone())
    }

    /// The statements that make an error table: T1.
    pub fn error_table_sql(&self, table: &ErrorTable) -> Result<String> {
        Ok(self.error_table(table)?.create.clone())
    }

    /// Makes an event table, unless it is there: T1.
    pub async fn create_event_table(&self, conn: &mut D::Conn, table: &EventTable) -> Result<()> {
        let texts = self.event_table(table)?;
        self.create_table(conn, &texts.quoted, &texts.create).await
    }

    /// Makes a cursor table, unless it is there: T1.
    pub async fn create_cursor_table(&self, conn: &mut D::Conn, table: &CursorTable) -> Result<()> {
        let texts = self.cursor_table(table)?;
        self.create_table(conn, &texts.quoted, &texts.create).await
    }

    /// Makes an error table, unless it is there: T1.
    pub async fn create_error_table(&self, conn: &mut D::Conn, table: &ErrorTable) -> Result<()> {
        let texts = self.error_table(table)?;
        self.create_table(conn, &texts.quoted, &texts.create).await
    }

    async fn create_table(&self, conn: &mut D::Conn, quoted: &str, text: &str) -> Result<()> {
        let mut unit = self.unit(conn, Need::Transaction, OPERATION).await?;
        // Of those who come at once, one makes it.
        self.fetch(unit.conn(), Query::new(&catalog::MAKING.into()).bind(quoted), OPERATION).await?;
        let rows = self.fetch(unit.conn(), Query::new(&catalog::EXISTS.into()).bind(quoted), OPERATION).await?;
        if !field::<_, bool>(first(&rows, OPERATION)?, 0, OPERATION)? {
            self.driver().script(unit.conn(), text, OPERATION).await?;
        }
        unit.keep(OPERATION).await
    }
}
