use delta_core::{
    Event, EventKind, EventPage, EventQuery, Key, LogName, Metadata, Name, Position, ResourceId, Result, Scope, State,
    Subject, Trace,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::errors::error;
use super::json::texts;
use super::names::choice;
use super::rows::Columns;
use super::statement::statement;
use super::store::Inner;
use super::trim::check_age;

/// How many events a page looks through for those whose metadata fits.
const LOOKED_THROUGH: u32 = 1_000;

/// Reads a page. One writer at a time means that positions become visible in their order: all up to the head are there.
///
/// Whether metadata fits is found out here: a member's name that is written with escapes, or stands twice, is more than
/// SQLite's paths tell.
pub(super) async fn events(inner: &Inner, conn: &mut SqliteConnection, query: &EventQuery) -> Result<EventPage> {
    let head = head(inner, conn, "events").await?;
    let filter = &query.filter;
    let by_metadata = !filter.metadata.is_empty();
    let limit = if by_metadata { query.limit.max(LOOKED_THROUGH) } else { query.limit };
    let (namespaces, kinds) = (choice(&filter.namespaces), choice(&filter.kinds));
    let statement = statement(&inner.sql.log_page)
        .bind(query.after.get())
        .bind(head.get())
        .bind(i64::from(limit))
        .bind(filter.event_kinds.as_ref().map(|kinds| texts(kinds.iter().copied())))
        .bind(namespaces.0)
        .bind(namespaces.1)
        .bind(kinds.0)
        .bind(kinds.1)
        .bind(filter.resource.map(ResourceId::get))
        .bind(filter.object_id_prefix.clone())
        .bind(by_metadata.then_some(1));
    let rows = statement.fetch_all(&mut *conn).await.map_err(|failed| error("events", failed))?;
    // After the rows: what a trim has taken from under them shows in the mark that it left.
    check_age(inner, conn, &LogName::own(), query.after).await?;
    let mut events = rows.iter().map(|row| event("events", row)).collect::<Result<Vec<_>>>()?;
    let full = events.len() >= as_count(limit);
    let mut next = match events.last() {
        Some(last) if full => last.position,
        None if full => query.after,
        _ => query.after.max(head),
    };
    if by_metadata {
        events.retain(|event| filter.matches(event));
        if events.len() > as_count(query.limit) {
            events.truncate(as_count(query.limit));
            next = events.last().map_or(query.after, |last| last.position);
        }
    }
    Ok(EventPage { events, next, head, held_back: 0, gap: None })
}

/// A limit as a number of rows.
pub(super) fn as_count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The last position that was given out.
pub(super) async fn head(inner: &Inner, conn: &mut SqliteConnection, operation: &'static str) -> Result<Position> {
    let row = statement(&inner.sql.log_head).fetch_one(conn).await.map_err(|failed| error(operation, failed))?;
    Ok(Position::new(Columns::new(operation, &row).next()?))
}

/// All events after a position: what a transaction has appended since.
pub(super) async fn since(inner: &Inner, conn: &mut SqliteConnection, after: Position) -> Result<Vec<Event>> {
    let rows = statement(&inner.sql.log_since).bind(after.get()).fetch_all(conn).await;
    rows.map_err(|failed| error("commit", failed))?.iter().map(|row| event("commit", row)).collect()
}

fn event(operation: &'static str, row: &SqliteRow) -> Result<Event> {
    let mut columns = Columns::new(operation, row);
    let position = Position::new(columns.next()?);
    let (name, reason): (&str, Option<&str>) = (columns.next()?, columns.next()?);
    let kind = EventKind::from_stored(name, reason);
    let kind = kind.ok_or_else(|| columns.corrupt(format!("event {position}: unknown kind {name} {reason:?}")))?;
    let subject = subject(position, &mut columns)?;
    Ok(Event {
        position,
        kind,
        subject,
        at: columns.time()?,
        metadata: Metadata::from_stored(columns.next()?),
        trace: columns.next::<Option<String>>()?.map(Trace::from_stored),
        object: columns.next::<Option<&str>>()?.map(Into::into),
    })
}

fn subject(position: Position, columns: &mut Columns<'_>) -> Result<Subject> {
    let id: Option<i64> = columns.next()?;
    let (namespace, kind): (Option<&str>, Option<&str>) = (columns.next()?, columns.next()?);
    let object_id: Option<&str> = columns.next()?;
    let state: Option<&str> = columns.next()?;
    let (generation, attempt): (Option<i64>, Option<i64>) = (columns.next()?, columns.next()?);
    let corrupt = |what: &dyn std::fmt::Display| columns.corrupt(format!("event {position}: {what}"));
    let name = |name: &str| Name::new(name).map_err(|invalid| corrupt(&invalid));
    match (id, namespace, kind, object_id, state, generation, attempt) {
        (Some(id), Some(namespace), Some(kind), Some(object_id), Some(state), Some(generation), Some(attempt)) => {
            Ok(Subject::Resource {
                id: ResourceId::new(id),
                key: Key::new(namespace, kind, object_id).map_err(|invalid| corrupt(&invalid))?,
                state: State::from(state),
                generation,
                attempt,
            })
        }
        (None, Some(namespace), None, ..) => Ok(Subject::Scope(Scope::Namespace(name(namespace)?))),
        (None, None, Some(kind), ..) => Ok(Subject::Scope(Scope::Kind(name(kind)?))),
        _ => Err(corrupt(&"neither about a resource nor about a kind or namespace")),
    }
}
