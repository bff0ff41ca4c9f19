use std::collections::{BTreeMap, BTreeSet};

use delta_core::{CursorTable, CursorType, Error, ErrorKind, ErrorTable, EventTable, ForeignIdType, Result};
use delta_sql::sqlite::{catalog, error_table, schema_and_name};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::rows::Columns;
use super::statement::statement;
use super::store::Inner;

const OPERATION: &str = "inspect";

/// What a column is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Integer,
    Text,
    Bytes,
}

impl Holds {
    fn name(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Text => "TEXT",
            Self::Bytes => "BLOB",
        }
    }

    /// By the rules of SQLite's own: <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>.
    fn of(declared: &str) -> Option<Self> {
        let declared = declared.to_ascii_uppercase();
        let has = |part: &str| declared.contains(part);
        if has("INT") {
            Some(Self::Integer)
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Some(Self::Text)
        } else {
            (has("BLOB") || declared.is_empty()).then_some(Self::Bytes)
        }
    }
}

/// A live table, as SQLite knows it. Names are in lower case: SQLite does not tell cases apart.
struct Live<'a> {
    name: &'a str,
    creation: String,
    /// Declared types, and the place in the primary key.
    columns: BTreeMap<String, (String, i64)>,
    /// The columns of each unique index.
    unique: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Live<'a> {
    async fn read(inner: &Inner, conn: &mut SqliteConnection, table: &'a str) -> Result<Self> {
        let failed = |failed| error(OPERATION, failed);
        let (schema, name) = schema_and_name(table);
        let missing = || unsupported(format!("expected a table {table}, found none"));
        let row = sqlx::query(AssertSqlSafe(catalog::creation(schema))).bind(name.to_owned());
        let row = match row.fetch_optional(&mut *conn).await {
            Ok(row) => row.ok_or_else(missing)?,
            Err(sqlx::Error::Database(database)) if database.message().starts_with("no such table") => {
                return Err(missing());
            }
            Err(other) => return Err(failed(other)),
        };
        let creation: String = Columns::new(OPERATION, &row).next()?;
        let columns = statement(&inner.sql.table_columns).bind(name.to_owned()).bind(schema.to_owned());
        let columns = columns.fetch_all(&mut *conn).await.map_err(failed)?;
        let column = |row| {
            let mut columns = Columns::new(OPERATION, row);
            Ok((columns.next::<String>()?.to_ascii_lowercase(), (columns.next()?, columns.next()?)))
        };
        let columns = columns.iter().map(column).collect::<Result<_>>()?;
        let indexes = statement(&inner.sql.table_unique).bind(name.to_owned()).bind(schema.to_owned());
        let mut unique: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in indexes.fetch_all(conn).await.map_err(failed)? {
            let mut columns = Columns::new(OPERATION, &row);
            let (index, column): (String, Option<String>) = (columns.next()?, columns.next()?);
            unique.entry(index).or_default().insert(column.unwrap_or_default().to_ascii_lowercase());
        }
        Ok(Self { name: table, creation: creation.to_ascii_uppercase(), columns, unique })
    }

    fn has(&self, column: &str, holds: Holds) -> Result<()> {
        let expected = holds.name();
        let found = match self.columns.get(&column.to_ascii_lowercase()) {
            Some((declared, _)) if Holds::of(declared) == Some(holds) => return Ok(()),
            Some((declared, _)) => format!("{declared:?}"),
            None => "none".to_owned(),
        };
        Err(unsupported(format!(
            "table {}: expected a column {column} of the type {expected}, found {found}",
            self.name
        )))
    }

    fn has_optional(&self, column: Option<&String>, holds: Holds) -> Result<()> {
        column.map_or(Ok(()), |column| self.has(column, holds))
    }

    /// An id that SQLite gives out, and never again.
    fn gives_out(&self, id: &str) -> Result<()> {
        self.has(id, Holds::Integer)?;
        let key: Vec<&String> = self.columns.iter().filter(|(_, (_, pk))| *pk > 0).map(|(name, _)| name).collect();
        if key == [&id.to_ascii_lowercase()] && self.creation.contains("AUTOINCREMENT") {
            return Ok(());
        }
        let found = if key.is_empty() { "no primary key" } else { "another key, or ids that are given out again" };
        let what = "to be INTEGER PRIMARY KEY AUTOINCREMENT";
        Err(unsupported(format!("table {}: expected the column {id} {what}, found {found}", self.name)))
    }

    /// One row at most for each value of these columns.
    fn is_unique(&self, columns: &[&str]) -> Result<()> {
        let wanted: BTreeSet<String> = columns.iter().map(|column| column.to_ascii_lowercase()).collect();
        let key: BTreeSet<String> =
            self.columns.iter().filter(|(_, (_, pk))| *pk > 0).map(|(name, _)| name.clone()).collect();
        if key == wanted || self.unique.values().any(|unique| *unique == wanted) {
            return Ok(());
        }
        let columns = columns.join(", ");
        Err(unsupported(format!("table {}: expected ({columns}) to be unique, found no such key", self.name)))
    }
}

fn unsupported(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, OPERATION, what)
}

pub(super) async fn events(inner: &Inner, conn: &mut SqliteConnection, table: &EventTable) -> Result<()> {
    table.check()?;
    let live = Live::read(inner, conn, table.name()).await?;
    let columns = table.columns();
    let foreign_id = match table.foreign_id_type() {
        ForeignIdType::Int => Holds::Integer,
        ForeignIdType::Text => Holds::Text,
    };
    live.gives_out(&columns.id)?;
    live.has(&columns.foreign_id, foreign_id)?;
    live.has(&columns.kind, Holds::Integer)?;
    live.has(&columns.at, Holds::Integer)?;
    live.has_optional(columns.metadata.as_ref(), Holds::Bytes)?;
    live.has_optional(columns.trace.as_ref(), Holds::Text)
}

pub(super) async fn cursors(inner: &Inner, conn: &mut SqliteConnection, table: &CursorTable) -> Result<()> {
    table.check()?;
    let live = Live::read(inner, conn, table.name()).await?;
    let columns = table.columns();
    let position = match table.cursor_type() {
        CursorType::Int => Holds::Integer,
        CursorType::Text => Holds::Text,
    };
    live.has(&columns.id, Holds::Text)?;
    live.has(&columns.position, position)?;
    live.has(&columns.updated_at, Holds::Integer)?;
    live.is_unique(&[&columns.id])
}

pub(super) async fn errors(inner: &Inner, conn: &mut SqliteConnection, table: &ErrorTable) -> Result<()> {
    table.check()?;
    let live = Live::read(inner, conn, table.name()).await?;
    let columns = table.columns();
    live.gives_out(&columns.id)?;
    for column in [&columns.position, &columns.created_at, &columns.updated_at, &columns.status] {
        live.has(column, Holds::Integer)?;
    }
    for column in [&columns.consumer, &columns.message] {
        live.has(column, Holds::Text)?;
    }
    live.has_optional(columns.log.as_ref(), Holds::Text)?;
    live.has_optional(columns.event.as_ref(), Holds::Text)?;
    live.has_optional(columns.attempts.as_ref(), Holds::Integer)?;
    live.is_unique(&error_table::unique(table))
}
