use std::collections::BTreeMap;

use delta_core::{CursorTable, CursorType, Error, ErrorKind, ErrorTable, EventTable, ForeignIdType, Gaps, Result};

use super::driver::PostgresDriver;
use super::query::Query;
use super::rows::{Fields, field};
use super::tables::Tables;
use super::text::catalog;

const OPERATION: &str = "inspect table";
const INTEGERS: [&str; 3] = ["bigint", "integer", "smallint"];
/// Of ids and positions, which outgrow anything smaller.
const IDS: [&str; 2] = ["bigint", "integer"];
const TEXTS: [&str; 2] = ["text", "character varying"];
const TIMES: [&str; 1] = ["timestamp with time zone"];
const BYTES: [&str; 1] = ["bytea"];

/// What is known of a live table.
struct Live {
    /// What errors call it.
    name: String,
    quoted: String,
    columns: BTreeMap<String, String>,
    keys: Vec<Vec<String>>,
}

/// The sequence of a column.
struct Sequence {
    step: i64,
    cache: i64,
    cycles: bool,
}

impl Live {
    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Unsupported, OPERATION, format!("{}: {what}", self.name))
    }

    fn column(&self, column: &str, types: &[&str]) -> Result<()> {
        let expected = || format!("expected a column {column:?} of the type {}", types.join(" or "));
        match self.columns.get(column) {
            None => Err(self.wrong(format!("{}, found no such column", expected()))),
            Some(found) if types.contains(&found.as_str()) => Ok(()),
            Some(found) => Err(self.wrong(format!("{}, found {found}", expected()))),
        }
    }

    fn key(&self, columns: &[&str]) -> Result<()> {
        let mut wanted: Vec<String> = columns.iter().map(ToString::to_string).collect();
        wanted.sort_unstable();
        if self.keys.contains(&wanted) {
            return Ok(());
        }
        let columns = columns.join(", ");
        Err(self.wrong(format!("expected a unique key of ({columns}), found none")))
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Checks an event table: T2.
    pub async fn inspect_event_table(&self, conn: &mut D::Conn, table: &EventTable) -> Result<()> {
        let texts = self.event_table(table)?;
        let live = self.live(conn, format!("the event table {}", table.name()), &texts.quoted).await?;
        let columns = table.columns();
        live.column(&columns.id, &IDS)?;
        let foreign_ids: &[&str] = match table.foreign_id_type() {
            ForeignIdType::Text => &TEXTS,
            ForeignIdType::Int => &IDS,
        };
        live.column(&columns.foreign_id, foreign_ids)?;
        live.column(&columns.kind, &INTEGERS)?;
        live.column(&columns.at, &TIMES)?;
        columns.metadata.iter().try_for_each(|column| live.column(column, &BYTES))?;
        columns.trace.iter().try_for_each(|column| live.column(column, &TEXTS))?;
        live.key(&[&columns.id])?;
        let sequence = self.sequence(conn, &live, &columns.id).await?;
        match table.gap_rule() {
            Gaps::Passed if sequence.cache != 1 => {
                let what = "expected ids from a sequence without a cache (CACHE 1), for sessions that keep ids for later \
                            break the order, found one that caches";
                Err(live.wrong(format!("{what} {}", sequence.cache)))
            }
            Gaps::Waited if sequence.step != 1 => {
                let what = "expected ids that go up by 1, for each that is missing is waited for, found a step of";
                Err(live.wrong(format!("{what} {}", sequence.step)))
            }
            Gaps::Passed => self.inspect_trigger(conn, &live, &texts.hold).await,
            Gaps::Waited => Ok(()),
        }
    }

    /// Has an error that may come from a table that is not as it should be say what is wrong with it, where statements can
    /// still be run.
    pub(super) async fn explain<T>(&self, conn: &mut D::Conn, table: &EventTable, done: Result<T>) -> Result<T> {
        if let Err(error) = &done
            && error.kind() == ErrorKind::Unsupported
            && !self.driver().is_in_transaction(conn)
        {
            self.inspect_event_table(conn, table).await?;
        }
        done
    }

    /// Checks a cursor table: T2.
    pub async fn inspect_cursor_table(&self, conn: &mut D::Conn, table: &CursorTable) -> Result<()> {
        let texts = self.cursor_table(table)?;
        let live = self.live(conn, format!("the cursor table {}", table.name()), &texts.quoted).await?;
        let columns = table.columns();
        live.column(&columns.id, &TEXTS)?;
        let positions: &[&str] = match table.cursor_type() {
            CursorType::Int => &IDS,
            CursorType::Text => &TEXTS,
        };
        live.column(&columns.position, positions)?;
        live.column(&columns.updated_at, &TIMES)?;
        live.key(&[&columns.id])
    }

    /// Checks an error table: T2.
    pub async fn inspect_error_table(&self, conn: &mut D::Conn, table: &ErrorTable) -> Result<()> {
        let texts = self.error_table(table)?;
        let live = self.live(conn, format!("the error table {}", table.name()), &texts.quoted).await?;
        let columns = table.columns();
        live.column(&columns.id, &IDS)?;
        live.column(&columns.consumer, &TEXTS)?;
        live.column(&columns.position, &IDS)?;
        live.column(&columns.message, &TEXTS)?;
        live.column(&columns.created_at, &TIMES)?;
        live.column(&columns.updated_at, &TIMES)?;
        live.column(&columns.status, &INTEGERS)?;
        columns.log.iter().try_for_each(|column| live.column(column, &TEXTS))?;
        columns.event.iter().try_for_each(|column| live.column(column, &TEXTS))?;
        columns.attempts.iter().try_for_each(|column| live.column(column, &INTEGERS))?;
        live.key(&[&columns.id])?;
        let key = [Some(&columns.consumer), columns.log.as_ref(), Some(&columns.position)];
        live.key(&key.into_iter().flatten().map(String::as_str).collect::<Vec<_>>())?;
        self.sequence(conn, &live, &columns.id).await.map(drop)
    }

    async fn ask(&self, conn: &mut D::Conn, text: &str, live: &str) -> Result<Vec<D::Row>> {
        self.read(conn, Query::new(&text.into()).bind(live), OPERATION).await
    }

    async fn live(&self, conn: &mut D::Conn, name: String, quoted: &str) -> Result<Live> {
        let mut live = Live { name, quoted: quoted.to_owned(), columns: BTreeMap::new(), keys: Vec::new() };
        let rows = self.ask(conn, catalog::RELATION, quoted).await?;
        let Some(row) = rows.first() else {
            return Err(live.wrong("expected a table, found none"));
        };
        let mut fields = Fields::new(row, OPERATION);
        match (fields.take::<&str>()?, fields.take::<bool>()?) {
            ("r", false) => {}
            ("r", true) => return Err(live.wrong("expected a table of its own, found one that others inherit from")),
            ("p", _) => return Err(live.wrong("expected a table of its own, found one in partitions")),
            (kind, _) => return Err(live.wrong(format!("expected a table, found a relation of the kind {kind:?}"))),
        }
        for row in self.ask(conn, catalog::COLUMNS, quoted).await? {
            let mut fields = Fields::new(&row, OPERATION);
            live.columns.insert(fields.take()?, fields.take()?);
        }
        for row in self.ask(conn, catalog::KEYS, quoted).await? {
            live.keys.extend(field::<_, Option<Vec<String>>>(&row, 0, OPERATION)?);
        }
        Ok(live)
    }

    async fn sequence(&self, conn: &mut D::Conn, live: &Live, column: &str) -> Result<Sequence> {
        let query = Query::new(&catalog::SEQUENCE.into()).bind(&live.quoted).bind(column);
        let rows = self.read(conn, query, OPERATION).await?;
        let Some(row) = rows.first() else {
            let what = "expected a column that the database gives out, from a sequence of its own (GENERATED AS IDENTITY or \
                        serial)";
            return Err(live.wrong(format!("{what}, found {column:?}, which is not")));
        };
        let mut fields = Fields::new(row, OPERATION);
        let sequence = Sequence { step: fields.take()?, cache: fields.take()?, cycles: fields.take()? };
        if sequence.step < 1 || sequence.cycles {
            let what = "expected ids that only go up, found a sequence that goes down or begins anew";
            return Err(live.wrong(format!("{what}, for the column {column:?}")));
        }
        Ok(sequence)
    }

    async fn inspect_trigger(&self, conn: &mut D::Conn, live: &Live, expected: &str) -> Result<()> {
        let rows = self.ask(conn, catalog::TRIGGER, &live.quoted).await?;
        let expectation = "expected a trigger hold_log BEFORE INSERT FOR EACH STATEMENT, which keeps readers in order";
        match rows.first() {
            None => Err(live.wrong(format!("{expectation}, found none that is enabled"))),
            Some(row) if field::<_, &str>(row, 0, OPERATION)? != expected => {
                Err(live.wrong(format!("{expectation}, found one that does something else")))
            }
            Some(_) => Ok(()),
        }
    }
}
