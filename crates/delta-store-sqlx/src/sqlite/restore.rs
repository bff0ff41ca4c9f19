use delta_core::{
    Cursor, CursorChange, Error, ErrorKind, Event, Foreign, GivenOut, Metadata, Position, Reason, ResourceId,
    RestoreBatch, RestoreFence, Restored, Result, Scope, ScopeRecord, Subject, Timestamp, Trace,
};
use sqlx::SqliteConnection;

use super::connection::in_transaction;
use super::cursors;
use super::errors::error;
use super::fences::lost_cursor;
use super::json::JsonRows;
use super::rows::Columns;
use super::statement::{run, statement};
use super::store::Inner;
use super::transaction::{Failure, begin, end, relieved, settled};
use super::writes::Writes;
use delta_sql::driver::Backoff;

const OPERATION: &str = "restore";

pub(super) async fn given_out(inner: &Inner, conn: &mut SqliteConnection) -> Result<GivenOut> {
    let row = statement(&inner.sql.given_out).fetch_one(conn).await.map_err(|failed| error("given out", failed))?;
    let mut columns = Columns::new("given out", &row);
    Ok(GivenOut { id: ResourceId::new(columns.next()?), position: Position::new(columns.next()?) })
}

pub(super) async fn restore(inner: &Inner, conn: &mut SqliteConnection, batch: &RestoreBatch) -> Result<Restored> {
    batch.check()?;
    if in_transaction(conn).await.map_err(|failed| error(OPERATION, failed))? {
        let what = "expected a connection that is not in a transaction, found one that is";
        return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
    }
    let mut backoff = Backoff::new(inner.busy_timeout);
    loop {
        let done = restore_once(inner, conn, batch).await;
        if let Some(done) = settled(relieved(conn, done).await, &mut backoff).await {
            return done;
        }
    }
}

async fn restore_once(inner: &Inner, conn: &mut SqliteConnection, batch: &RestoreBatch) -> Result<Restored, Failure> {
    let mut tx = begin(OPERATION, conn).await?;
    let done = apply(inner, &mut tx, batch).await;
    Ok(end(OPERATION, tx, done).await?)
}

async fn apply(inner: &Inner, conn: &mut SqliteConnection, batch: &RestoreBatch) -> Result<Restored> {
    let progress = batch.progress.clone().put();
    if lost_cursor(inner, conn, std::slice::from_ref(&progress)).await?.is_some() {
        return Ok(Restored::Lost);
    }
    let given_out = match batch.fence {
        RestoreFence::Empty(at_least) => match foreign(inner, conn).await? {
            Some(foreign) => return Ok(Restored::Foreign(foreign)),
            None => raise(inner, conn, at_least).await?,
        },
        RestoreFence::Untouched(since) => match given_out(inner, conn).await? {
            now if now == since => now,
            now => return Ok(Restored::Foreign(Foreign::GivenOut(now))),
        },
    };
    write(inner, conn, batch).await?;
    cursors::write(inner, conn, &[progress]).await?;
    Ok(Restored::Written(given_out))
}

async fn foreign(inner: &Inner, conn: &mut SqliteConnection) -> Result<Option<Foreign>> {
    let row = statement(&inner.sql.foreign).fetch_one(conn).await.map_err(|failed| error(OPERATION, failed))?;
    let found: Option<&str> = Columns::new(OPERATION, &row).next()?;
    Ok(found.and_then(Foreign::from_stored))
}

async fn raise(inner: &Inner, conn: &mut SqliteConnection, at_least: GivenOut) -> Result<GivenOut> {
    for sql in [&inner.sql.raise_given_out, &inner.sql.begin_given_out] {
        let raised = statement(sql).bind(at_least.id.get()).bind(at_least.position.get()).execute(&mut *conn).await;
        raised.map_err(|failed| error(OPERATION, failed))?;
    }
    given_out(inner, conn).await
}

async fn write(inner: &Inner, conn: &mut SqliteConnection, batch: &RestoreBatch) -> Result<()> {
    let mut writes = Writes::default();
    let mut events = JsonRows::default();
    batch.resources.iter().for_each(|row| writes.restore(row));
    for event in &batch.events {
        add_event(&mut writes, &mut events, event);
    }
    put_scopes(inner, conn, &batch.scopes).await?;
    writes.create_names(inner, conn).await?;
    // Nothing that it writes here looks at the time.
    writes.run(inner, conn, Timestamp::EPOCH).await?;
    run(OPERATION, conn, &inner.sql.restore_events, events, |query| query).await?;
    // A put counts the version up.
    let below = |cursor: &Cursor| CursorChange::Put(Cursor { version: cursor.version - 1, ..cursor.clone() });
    let absent = |cursor: &Cursor| Cursor::new(cursor.name.clone()).put();
    let names: Vec<CursorChange> = batch.cursors.iter().map(absent).collect();
    if let Some(name) = lost_cursor(inner, conn, &names).await? {
        let what = format!("expected what is not there yet, found the cursor {name:?}");
        return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
    }
    cursors::write(inner, conn, &batch.cursors.iter().map(below).collect::<Vec<_>>()).await
}

async fn put_scopes(inner: &Inner, conn: &mut SqliteConnection, records: &[ScopeRecord]) -> Result<()> {
    let (mut kinds, mut namespaces) = (JsonRows::default(), JsonRows::default());
    for record in records {
        let (rows, name) = match &record.scope {
            Scope::Kind(name) => (&mut kinds, name),
            Scope::Namespace(name) => (&mut namespaces, name),
        };
        drop(rows.row().text(name.as_str()).flag(record.paused).text_or_null(record.settings.as_deref()));
    }
    run(OPERATION, conn, &inner.sql.put_kinds, kinds, |query| query).await?;
    run(OPERATION, conn, &inner.sql.put_namespaces, namespaces, |query| query).await
}

fn add_event(writes: &mut Writes, events: &mut JsonRows, event: &Event) {
    let row = events.row().int(event.position.get()).text(event.kind.as_str());
    let row = row.text_or_null(event.kind.reason().map(Reason::as_str));
    let row = match &event.subject {
        Subject::Resource { id, key, state, generation, attempt } => {
            writes.name(&Scope::Kind(key.kind.clone()));
            writes.name(&Scope::Namespace(key.namespace.clone()));
            let row = row.int(id.get()).text(key.namespace.as_str()).text(key.kind.as_str());
            row.text(key.object_id.as_str()).text(state.as_str()).int(*generation).int(*attempt)
        }
        Subject::Scope(scope) => {
            writes.name(scope);
            let (namespace, kind) = match scope {
                Scope::Namespace(name) => (Some(name.as_str()), None),
                Scope::Kind(name) => (None, Some(name.as_str())),
            };
            row.null().text_or_null(namespace).text_or_null(kind).null().null().null().null()
        }
    };
    let row = row.int(event.at.as_micros()).text_or_null(Metadata::as_stored(&event.metadata));
    drop(row.text_or_null(event.trace.as_ref().map(Trace::as_str)).text_or_null(event.object.as_deref()));
}
