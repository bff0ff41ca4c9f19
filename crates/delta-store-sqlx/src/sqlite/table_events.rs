use std::fmt::Write;

use delta_core::{
    Error, ErrorKind, EventTable, ForeignId, ForeignIdType, Gap, Gaps, LogPage, NewEvent, Position, Result, TableEvent,
    TableQuery, Timestamp, Trace, Trimmed,
};
use delta_sql::sqlite::{event_table, schema_and_name};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::events::as_count;
use super::json::{JsonRows, ints};
use super::rows::Columns;
use super::statement::run;
use super::store::Inner;
use super::transaction::whole;
use super::trim::{self, Removal, below, check_age};

const APPEND: &str = "append events";
const READ: &str = "table events";
const FILL: &str = "fill a gap";
const TRIM: &str = "trim";

/// How many ids are looked through for a gap, and how many of one are filled, at once.
const AT_ONCE: u32 = 1_000;

/// The last id that was given out.
async fn last(conn: &mut SqliteConnection, table: &EventTable, operation: &'static str) -> Result<i64> {
    let (_, name) = schema_and_name(table.name());
    let row = sqlx::query(AssertSqlSafe(event_table::last(table))).bind(name.to_owned()).fetch_one(conn).await;
    Columns::new(operation, &row.map_err(|failed| error(operation, failed))?).next()
}

/// Nobody else writes meanwhile, so the ids that follow the last one are free.
pub(super) async fn append(
    inner: &Inner,
    conn: &mut SqliteConnection,
    table: &EventTable,
    events: &[NewEvent],
) -> Result<Vec<Position>> {
    table.check()?;
    table.check_events(events)?;
    let sql = event_table::append(table).into();
    whole!(APPEND, inner, conn => {
        let first = last(conn, table, APPEND).await? + 1;
        let mut rows = JsonRows::default();
        for (id, event) in (first..).zip(events) {
            let row = rows.row().int(id);
            let row = match &event.foreign_id {
                ForeignId::Int(foreign_id) => row.int(*foreign_id),
                ForeignId::Text(foreign_id) => row.text(foreign_id),
            };
            let row = row.int(event.kind).int(event.at.as_micros());
            let row = row.text_or_null(event.metadata.as_deref().map(hexadecimal).as_deref());
            drop(row.text_or_null(event.trace.as_ref().map(Trace::as_str)));
        }
        run(APPEND, conn, &sql, rows, |query| query).await?;
        Ok((first..).take(events.len()).map(Position::new).collect())
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// How far a table may be read by who has read up to a position.
struct Readable {
    /// Up to here it was looked at.
    up_to: Position,
    head: Position,
    gap: Option<Gap>,
}

/// Reads a page. As in Delta's own log, what was given out is there, or was rolled back.
pub(super) async fn read(
    inner: &Inner,
    conn: &mut SqliteConnection,
    table: &EventTable,
    query: &TableQuery,
) -> Result<LogPage<TableEvent>> {
    table.check()?;
    let end = Position::new(last(conn, table, READ).await?);
    let Readable { up_to, head, gap } = match table.gap_rule() {
        Gaps::Passed => Readable { up_to: end, head: end, gap: None },
        Gaps::Waited => {
            let from = query.after.max(trim::mark(inner, conn, &table.log_name()).await?);
            before_gap(conn, table, from, end, query.limit).await?
        }
    };
    let filter = &query.filter;
    let page = sqlx::query(AssertSqlSafe(event_table::page(table)))
        .bind(query.after.get())
        .bind(up_to.get())
        .bind(i64::from(query.limit))
        .bind(filter.kinds.as_ref().map(|kinds| ints(kinds.iter().copied())))
        .bind(filter.foreign_id_prefix.clone());
    let rows = page.fetch_all(&mut *conn).await.map_err(|failed| error(READ, failed))?;
    // After the rows: what a trim has taken from under them shows in the mark that it left.
    check_age(inner, conn, &table.log_name(), query.after).await?;
    let events = rows.iter().map(|row| event(table, row)).collect::<Result<Vec<_>>>()?;
    let next = match events.last() {
        Some(last) if events.len() >= as_count(query.limit) => last.position,
        None if query.limit == 0 => query.after,
        _ => query.after.max(up_to),
    };
    let held_back = if gap.is_some() { end.get().saturating_sub(head.get()) } else { 0 };
    Ok(LogPage { events, next, head, held_back: u64::try_from(held_back).unwrap_or(0), gap })
}

/// Looks at the ids after a position for the first that is missing.
async fn before_gap(
    conn: &mut SqliteConnection,
    table: &EventTable,
    from: Position,
    end: Position,
    limit: u32,
) -> Result<Readable> {
    let looked_at = limit.max(AT_ONCE);
    let ids = sqlx::query(AssertSqlSafe(event_table::ids(table))).bind(from.get()).bind(i64::from(looked_at));
    let ids = ids.fetch_all(conn).await.map_err(|failed| error(READ, failed))?;
    let mut reached = from;
    for id in &ids {
        let id = Position::new(Columns::new(READ, id).next()?);
        if id.get() != reached.get() + 1 {
            let gap = Some(Gap { after: reached, before: id });
            return Ok(Readable { up_to: reached, head: reached, gap });
        }
        reached = id;
    }
    let is_all = ids.len() < as_count(looked_at);
    Ok(Readable { up_to: reached, head: if is_all { reached.min(end) } else { end }, gap: None })
}

fn event(table: &EventTable, row: &SqliteRow) -> Result<TableEvent> {
    let mut columns = Columns::new(READ, row);
    let position: i64 = columns.next()?;
    // A null is read as a number or a text that it is not.
    let foreign_id = match table.foreign_id_type() {
        ForeignIdType::Int => columns.next::<Option<i64>>()?.map(ForeignId::Int),
        ForeignIdType::Text => columns.next::<Option<String>>()?.map(ForeignId::Text),
    };
    let (kind, at) = (columns.next::<Option<i64>>()?, columns.time_or_null()?);
    let (names, name) = (table.columns(), table.name());
    let missing = |column: &str| {
        let what = format!("expected a value in the column {column} of {name} at {position}, found none");
        Error::new(ErrorKind::Corrupt, READ, what)
    };
    Ok(TableEvent {
        position: Position::new(position),
        foreign_id: foreign_id.ok_or_else(|| missing(&names.foreign_id))?,
        kind: kind.ok_or_else(|| missing(&names.kind))?,
        at: at.ok_or_else(|| missing(&names.at))?,
        metadata: columns.next()?,
        trace: columns.next::<Option<String>>()?.map(Trace::from_stored),
    })
}

/// No other transaction is open while this one writes: what is not there is nobody's.
pub(super) async fn fill(
    inner: &Inner,
    conn: &mut SqliteConnection,
    table: &EventTable,
    gap: Gap,
    now: Timestamp,
) -> Result<u64> {
    table.check()?;
    let sql = event_table::fill(table);
    whole!(FILL, inner, conn => {
        let mark = trim::mark(inner, conn, &table.log_name()).await?;
        let first = gap.after.max(mark).get().saturating_add(1);
        let end = gap.before.get().saturating_sub(1).min(last(conn, table, FILL).await?);
        if first > end {
            return Ok(0);
        }
        let fill = sqlx::query(AssertSqlSafe(sql.clone())).bind(first).bind(end).bind(now.as_micros());
        let filled = fill.bind(i64::from(AT_ONCE)).execute(conn).await.map_err(|failed| error(FILL, failed))?;
        Ok(filled.rows_affected())
    })
}

pub(super) async fn trim_table(
    inner: &Inner,
    conn: &mut SqliteConnection,
    table: &EventTable,
    up_to: Position,
    limit: u32,
) -> Result<Trimmed> {
    table.check()?;
    let (oldest, remove) = (event_table::oldest(table).into(), event_table::remove(table).into());
    let removal = Removal { log: table.log_name(), oldest: &oldest, remove: &remove };
    whole!(TRIM, inner, conn => {
        below(up_to, Position::new(last(conn, table, TRIM).await?))?;
        if table.gap_rule() == Gaps::Waited {
            let mark = trim::mark(inner, conn, &removal.log).await?;
            let count = sqlx::query(AssertSqlSafe(event_table::count(table))).bind(mark.get()).bind(up_to.get());
            let row = count.fetch_one(&mut *conn).await.map_err(|failed| error(TRIM, failed))?;
            let there: i64 = Columns::new(TRIM, &row).next()?;
            if mark.get() + there < up_to.get() {
                // As many are missing as readers wait for.
                below(up_to, Position::new(mark.get() + there))?;
            }
        }
        removal.run(inner, conn, up_to, limit).await
    })
}
