use std::collections::HashMap;

use delta_core::{CursorTable, CursorType, Error, ErrorKind, ErrorTable, EventTable, ForeignIdType, Gaps, Result};

use super::driver::MysqlDriver;
use super::query::Query;
use super::rows::{Fields, field};
use super::tables::{Tables, first};
use super::text::event_table::{MARKS, POINTERS, marks_name, parts, trigger_body};

const OPERATION: &str = "inspect";

const INTEGER: &[&str] = &["bigint", "int", "mediumint", "smallint", "tinyint"];
const LONG: &[&str] = &["bigint"];
const TEXT: &[&str] = &["longtext", "mediumtext", "text", "varchar", "char"];
const BYTES: &[&str] = &["longblob", "mediumblob", "blob", "varbinary"];
const TIME: &[&str] = &["datetime"];
/// Texts that are of one length for all are not what was put into them.
const NAME: &[&str] = &["varbinary", "varchar"];

struct Column {
    /// With its length.
    full: String,
    kind: String,
    extra: String,
}

/// A live table.
struct Live<'t> {
    name: &'t str,
    columns: HashMap<String, Column>,
    /// The columns of each unique key, by commas.
    keys: Vec<String>,
}

impl Live<'_> {
    fn refuse<T>(&self, what: &str) -> Result<T> {
        Err(Error::new(ErrorKind::Unsupported, OPERATION, format!("table {}: expected {what}", self.name)))
    }

    /// Checks that there is a column, and that it is of one of these types.
    fn has(&self, name: &str, types: &[&str]) -> Result<&Column> {
        let wanted = types.join(", ");
        let Some(column) = self.columns.get(&name.to_ascii_lowercase()) else {
            return self.refuse(&format!("the column {name} ({wanted}), found none"));
        };
        if types.contains(&column.kind.as_str()) {
            return Ok(column);
        }
        self.refuse(&format!("the column {name} to be of the type {wanted}, found {}", column.full))
    }

    fn is_unique(&self, columns: &[&str]) -> Result<()> {
        let mut names: Vec<String> = columns.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        if self.keys.contains(&names.join(",")) {
            return Ok(());
        }
        let found = if self.keys.is_empty() { "none".to_owned() } else { self.keys.join("; ") };
        self.refuse(&format!("a unique key of {}, found {found}", columns.join(", ")))
    }

    fn gives_out(&self, name: &str) -> Result<()> {
        let column = self.has(name, LONG)?;
        if column.extra.contains("auto_increment") {
            return Ok(());
        }
        self.refuse(&format!(
            "the column {name} to be given out by the database (AUTO_INCREMENT), found {}",
            column.full
        ))
    }
}

impl<D: MysqlDriver> Tables<D> {
    async fn live<'t>(&self, conn: &mut D::Conn, name: &'t str) -> Result<Live<'t>> {
        let (database, table) = parts(name);
        let of = |text| Query::new(text).bind(database).bind(table);
        let rows = self.fetch(conn, of(&self.sql().inspect_table), OPERATION).await?;
        let mut live = Live { name, columns: HashMap::new(), keys: Vec::new() };
        let Some(row) = rows.first() else {
            return live.refuse("it to exist, found no such table");
        };
        let engine: Option<&str> = field(row, 0, OPERATION)?;
        if !engine.is_some_and(|engine| engine.eq_ignore_ascii_case("InnoDB")) {
            let found = engine.unwrap_or("none");
            return live.refuse(&format!("the engine InnoDB, found {found}"));
        }
        for row in &self.fetch(conn, of(&self.sql().inspect_columns), OPERATION).await? {
            let mut fields = Fields::new(row, OPERATION);
            let name: String = fields.take()?;
            live.columns.insert(name, Column { kind: fields.take()?, full: fields.take()?, extra: fields.take()? });
        }
        for row in &self.fetch(conn, of(&self.sql().inspect_keys), OPERATION).await? {
            live.keys.push(field(row, 0, OPERATION)?);
        }
        Ok(live)
    }

    /// Checks an application's table of events.
    pub async fn inspect_event_table(&self, conn: &mut D::Conn, table: &EventTable) -> Result<()> {
        self.event_log(table)?;
        let (live, columns) = (self.live(conn, table.name()).await?, table.columns());
        live.gives_out(&columns.id)?;
        live.is_unique(&[&columns.id])?;
        match table.foreign_id_type() {
            ForeignIdType::Int => live.has(&columns.foreign_id, INTEGER)?,
            ForeignIdType::Text => live.has(&columns.foreign_id, NAME)?,
        };
        live.has(&columns.kind, INTEGER)?;
        live.has(&columns.at, TIME)?;
        if let Some(metadata) = &columns.metadata {
            live.has(metadata, BYTES)?;
        }
        if let Some(trace) = &columns.trace {
            live.has(trace, TEXT)?;
        }
        if table.gap_rule() == Gaps::Passed {
            self.inspect_marks(conn, table, &live).await?;
        }
        Ok(())
    }

    /// Checks what keeps readers of a table in order.
    async fn inspect_marks(&self, conn: &mut D::Conn, table: &EventTable, live: &Live<'_>) -> Result<()> {
        let marks = marks_name(table.name());
        let beside = self.live(conn, &marks).await?;
        beside.has("slot", INTEGER)?;
        beside.has("position", LONG)?;
        beside.has("at", TIME)?;
        beside.is_unique(&["slot"])?;
        let log = self.event_log(table)?;
        let rows = self.fetch(conn, Query::new(&log.sql.marks), OPERATION).await?;
        let slots = rows.iter().map(|row| field(row, 0, OPERATION)).collect::<Result<Vec<i64>>>()?;
        if !slots.iter().copied().eq(-POINTERS..MARKS) {
            let (first, last) = (-POINTERS, MARKS - 1);
            return beside.refuse(&format!("rows numbered from {first} to {last}, found {} rows", slots.len()));
        }
        let (database, name) = parts(table.name());
        let query = Query::new(&self.sql().inspect_triggers).bind(database).bind(name);
        let rows = self.fetch(conn, query, OPERATION).await?;
        let wanted = squeezed(&trigger_body(table));
        for row in &rows {
            if squeezed(field(row, 0, OPERATION)?).contains(&wanted) {
                return Ok(());
            }
        }
        let found = match rows.len() {
            0 => "none that this account may see (it takes the right TRIGGER to see any)",
            _ => "others",
        };
        live.refuse(&format!("a trigger before each insert that takes a mark of {marks}, found {found}"))
    }

    /// Checks an application's table of cursors.
    pub async fn inspect_cursor_table(&self, conn: &mut D::Conn, table: &CursorTable) -> Result<()> {
        table.check()?;
        let (live, columns) = (self.live(conn, table.name()).await?, table.columns());
        live.has(&columns.id, NAME)?;
        live.is_unique(&[&columns.id])?;
        match table.cursor_type() {
            CursorType::Int => live.has(&columns.position, LONG)?,
            CursorType::Text => live.has(&columns.position, TEXT)?,
        };
        live.has(&columns.updated_at, TIME)?;
        Ok(())
    }

    /// Checks an application's table of dead letters.
    pub async fn inspect_error_table(&self, conn: &mut D::Conn, table: &ErrorTable) -> Result<()> {
        table.check()?;
        let (live, columns) = (self.live(conn, table.name()).await?, table.columns());
        live.gives_out(&columns.id)?;
        live.is_unique(&[&columns.id])?;
        live.has(&columns.consumer, NAME)?;
        live.has(&columns.position, LONG)?;
        live.has(&columns.message, TEXT)?;
        live.has(&columns.status, INTEGER)?;
        live.has(&columns.created_at, TIME)?;
        live.has(&columns.updated_at, TIME)?;
        for (column, types) in [(&columns.log, NAME), (&columns.event, TEXT), (&columns.attempts, INTEGER)] {
            if let Some(column) = column {
                live.has(column, types)?;
            }
        }
        let key = columns.log.iter().map(String::as_str).chain([columns.consumer.as_str(), &columns.position]);
        live.is_unique(&key.collect::<Vec<_>>())
    }

    /// Whether anything is done before a row is inserted into a table.
    pub(super) async fn has_trigger(&self, conn: &mut D::Conn, table: &EventTable) -> Result<bool> {
        let (database, name) = parts(table.name());
        let query = Query::new(&self.sql().inspect_triggers).bind(database).bind(name);
        Ok(!self.fetch(conn, query, OPERATION).await?.is_empty())
    }

    /// Whether there is a table of this name.
    pub(super) async fn has_table(&self, conn: &mut D::Conn, name: &str) -> Result<bool> {
        let (database, table) = parts(name);
        let query = Query::new(&self.sql().inspect_table).bind(database).bind(table);
        Ok(!self.fetch(conn, query, OPERATION).await?.is_empty())
    }

    /// Waits for whoever makes tables of this name, until the connection ends.
    pub(super) async fn lock_name(&self, conn: &mut D::Conn, name: &str) -> Result<()> {
        let rows = self.fetch(conn, Query::new(&self.sql().lock_name).bind(name), OPERATION).await?;
        if field::<_, Option<i64>>(first(&rows, OPERATION)?, 0, OPERATION)? == Some(1) {
            return Ok(());
        }
        let what = format!("expected to make the table {name} within a minute, found another session making it");
        Err(Error::new(ErrorKind::Unavailable, "create a table", what))
    }
}

/// A statement without what does not matter.
fn squeezed(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace() && *char != '`').collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_quotes_and_case_do_not_matter() {
        assert_eq!(squeezed("SET  NEW.`type`\n= 1"), squeezed("set new.type=1"));
    }
}
