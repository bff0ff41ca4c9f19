use delta_core::{CursorTable, Error, ErrorKind, ErrorTable, EventTable, Gaps, Result};

use super::driver::MysqlDriver;
use super::query::Query;
use super::tables::Tables;
use super::text::event_table::marks_name;
use super::text::{cursor_table, error_table, event_table};

const OPERATION: &str = "create a table";

fn script(statements: &[String]) -> String {
    let mut text = statements.join(";\n");
    text.push_str(";\n");
    text
}

impl<D: MysqlDriver> Tables<D> {
    /// The statements that make an application's table of events.
    pub fn event_table_sql(&self, table: &EventTable) -> Result<String> {
        self.event_log(table)?;
        Ok(script(&event_table::create(table)))
    }

    /// The statement that makes an application's table of cursors.
    pub fn cursor_table_sql(&self, table: &CursorTable) -> Result<String> {
        table.check()?;
        Ok(script(&[cursor_table::create(table)]))
    }

    /// The statement that makes an application's table of dead letters.
    pub fn error_table_sql(&self, table: &ErrorTable) -> Result<String> {
        table.check()?;
        Ok(script(&[error_table::create(table)]))
    }

    /// Makes an application's table of events.
    pub async fn create_event_table(&self, conn: &mut D::Conn, table: &EventTable) -> Result<()> {
        self.event_log(table)?;
        let unfinished = (table.gap_rule() == Gaps::Passed).then_some(table);
        self.create_tables(conn, table.name(), event_table::create(table), unfinished).await
    }

    /// Makes an application's table of cursors.
    pub async fn create_cursor_table(&self, conn: &mut D::Conn, table: &CursorTable) -> Result<()> {
        table.check()?;
        self.create_tables(conn, table.name(), vec![cursor_table::create(table)], None).await
    }

    /// Makes an application's table of dead letters.
    pub async fn create_error_table(&self, conn: &mut D::Conn, table: &ErrorTable) -> Result<()> {
        table.check()?;
        self.create_tables(conn, table.name(), vec![error_table::create(table)], None).await
    }

    /// Runs statements that make tables, unless the table is there.
    ///
    /// Each commits by itself. The table itself comes after what belongs to it, and only its trigger after it: a table
    /// that is empty and has marks but no trigger was left half-way.
    async fn create_tables(
        &self,
        conn: &mut D::Conn,
        name: &str,
        statements: Vec<String>,
        marked: Option<&EventTable>,
    ) -> Result<()> {
        if self.driver().is_in_transaction(conn) {
            let what = "expected a connection that is not in a transaction, which a table would end, found one that is";
            return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        }
        let mut aside = self.driver().aside(OPERATION).await?;
        self.lock_name(&mut aside, name).await?;
        if self.has_table(&mut aside, name).await? {
            match marked {
                Some(table) if self.is_unfinished(&mut aside, table).await? => {}
                _ => return Ok(()),
            }
        }
        for statement in statements {
            self.driver().script(&mut aside, &statement, OPERATION).await?;
        }
        Ok(())
    }

    async fn is_unfinished(&self, conn: &mut D::Conn, table: &EventTable) -> Result<bool> {
        if !self.has_table(conn, &marks_name(table.name())).await? || self.has_trigger(conn, table).await? {
            return Ok(false);
        }
        let log = self.event_log(table)?;
        let any = self.fetch(conn, Query::new(&log.sql.ids).bind(0).bind(1), OPERATION).await?;
        Ok(any.is_empty())
    }
}
