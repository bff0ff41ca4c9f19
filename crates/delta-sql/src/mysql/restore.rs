use delta_core::{
    AttemptError, Cursor, CursorChange, Error, ErrorKind, Event, Foreign, GivenOut, Metadata, Position, Reason,
    ResourceId, RestoreBatch, RestoreFence, Restored, Result, Scope, Subject, Trace,
};

use super::driver::{Executed, MysqlDriver};
use super::json;
use super::multi::Multi;
use super::names::{Known, Wanted};
use super::query::{Query, Value};
use super::rows::{corrupt, field};
use super::tables::{CONFLICT_LIMIT, Tables, end, first};
use super::values;
use crate::driver::Backoff;

const OPERATION: &str = "restore";

impl<D: MysqlDriver> Tables<D> {
    /// The highest id and position that were ever given out.
    pub async fn last_given_out(&self, conn: &mut D::Conn) -> Result<GivenOut> {
        self.fetch(conn, Query::new(&self.sql().look), OPERATION).await?;
        let rows = self.fetch(conn, Query::new(&self.sql().last_given_out), OPERATION).await?;
        let row = first(&rows, OPERATION)?;
        let (id, position) = (field(row, 0, OPERATION)?, field(row, 1, OPERATION)?);
        Ok(GivenOut { id: ResourceId::new(id), position: Position::new(position) })
    }

    /// Writes a batch of exact copies.
    ///
    /// Kinds and namespaces come to be in the batch's own transaction, which nobody else reads in: their ids are not
    /// remembered before they are committed.
    pub async fn restore(&self, conn: &mut D::Conn, batch: &RestoreBatch) -> Result<Restored> {
        batch.check()?;
        if self.driver().is_in_transaction(conn) {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        }
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            match self.restore_once(conn, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                done => return done,
            }
        }
    }

    async fn restore_once(&self, conn: &mut D::Conn, batch: &RestoreBatch) -> Result<Restored> {
        let mut unit = self.unit(conn, OPERATION).await?;
        match self.restore_in(unit.conn(), batch).await {
            Ok(refused @ (Restored::Lost | Restored::Foreign(_))) => {
                unit.undo(OPERATION).await?;
                Ok(refused)
            }
            done => end(unit, done, OPERATION).await,
        }
    }

    async fn restore_in(&self, conn: &mut D::Conn, batch: &RestoreBatch) -> Result<Restored> {
        // First, because it holds off another import until this batch is written.
        if self.write_cursors(conn, &[batch.progress.clone().put()]).await?.is_some() {
            return Ok(Restored::Lost);
        }
        if let RestoreFence::Empty(at_least) = batch.fence {
            let own = batch.progress.name.as_bytes();
            let rows = self.fetch(conn, Query::new(&self.sql().foreign).bind(own), OPERATION).await?;
            let found: Option<&str> = field(first(&rows, OPERATION)?, 0, OPERATION)?;
            if let Some(foreign) = found.and_then(Foreign::from_stored) {
                return Ok(Restored::Foreign(foreign));
            }
            self.raise_given_out(conn, at_least).await?;
        }
        let now = self.last_given_out(conn).await?;
        if let RestoreFence::Untouched(since) = batch.fence
            && now != since
        {
            return Ok(Restored::Foreign(Foreign::GivenOut(now)));
        }
        let known = self.restore_scopes(conn, batch).await?;
        self.restore_resources(conn, batch, &known).await?;
        self.restore_cursors(conn, &batch.cursors).await?;
        self.restore_events(conn, &batch.events, &known).await?;
        Ok(Restored::Written(now))
    }

    async fn raise_given_out(&self, conn: &mut D::Conn, at_least: GivenOut) -> Result<()> {
        let (sql, now) = (self.sql(), self.last_given_out(conn).await?);
        let (id, position) = (at_least.id.get(), at_least.position.get());
        if id > now.id.get() {
            self.write(conn, Query::new(&sql.raise_id).bind(id), OPERATION).await?;
            for list in json::ids([id]) {
                self.write(conn, Query::new(&sql.remove_details).bind(list), OPERATION).await?;
            }
        }
        if position > now.position.get() {
            self.write(conn, Query::new(&sql.raise_position).bind(position), OPERATION).await?;
            for list in json::ids([position]) {
                self.write(conn, Query::new(&sql.remove_events).bind(list), OPERATION).await?;
            }
        }
        Ok(())
    }

    async fn restore_scopes(&self, conn: &mut D::Conn, batch: &RestoreBatch) -> Result<Known> {
        let (mut kinds, mut namespaces, mut wanted) = (Vec::new(), Vec::new(), Wanted::default());
        for record in &batch.scopes {
            let (rows, name) = match &record.scope {
                Scope::Kind(name) => (&mut kinds, name),
                Scope::Namespace(name) => (&mut namespaces, name),
            };
            rows.push(vec![name.as_str().into(), record.paused.into(), record.settings.as_deref().into()]);
        }
        self.write_all(conn, &self.sql().restore_kinds, kinds).await?;
        self.write_all(conn, &self.sql().restore_namespaces, namespaces).await?;
        let of_events = batch.events.iter().filter_map(|event| match &event.subject {
            Subject::Resource { key, .. } => Some(key),
            Subject::Scope(_) => None,
        });
        for key in batch.resources.iter().map(|row| &row.key).chain(of_events) {
            wanted.kinds.insert(&key.kind);
            wanted.namespaces.insert(&key.namespace);
        }
        for event in &batch.events {
            if let Subject::Scope(scope) = &event.subject {
                wanted.add_scope(scope);
            }
        }
        self.names_within(conn, &wanted).await
    }

    async fn restore_resources(&self, conn: &mut D::Conn, batch: &RestoreBatch, known: &Known) -> Result<()> {
        let rows = batch.resources.iter().map(|row| values::head(row, known)).collect::<Result<Vec<_>>>()?;
        self.write_new(conn, &self.sql().new_resources, rows, "a resource or its key").await?;
        let (mut details, mut errors) = (Vec::new(), Vec::new());
        for row in &batch.resources {
            let Some(detail) = &row.detail else { continue };
            details.push(values::detail(row.id.get(), detail));
            let last = detail.errors.iter().rev().take(AttemptError::KEPT);
            errors
                .extend(last.zip(0..).map(|(one, behind)| values::error(row.id.get(), row.error_count - behind, one)));
        }
        self.write_all(conn, &self.sql().write_details, details).await?;
        self.write_all(conn, &self.sql().record_errors, errors).await
    }

    async fn restore_cursors(&self, conn: &mut D::Conn, cursors: &[Cursor]) -> Result<()> {
        // A put counts the version up, and one of version 0 is of what is not there.
        let absent: Vec<CursorChange> = cursors.iter().map(|cursor| Cursor::new(cursor.name.clone()).put()).collect();
        if let Some(name) = self.lost_cursor(conn, &absent).await? {
            return Err(taken(&format!("the cursor {name:?}")));
        }
        let below: Vec<Cursor> =
            cursors.iter().map(|cursor| Cursor { version: cursor.version - 1, ..cursor.clone() }).collect();
        let rows = below.iter().map(super::cursors::values).collect();
        self.write_new(conn, &self.sql().new_cursors, rows, "a cursor").await
    }

    /// Events come last, and in the order of the log, so that its readers are held back no longer than needed.
    async fn restore_events(&self, conn: &mut D::Conn, events: &[Event], known: &Known) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.hold_log(conn).await?;
        let mut events: Vec<&Event> = events.iter().collect();
        events.sort_unstable_by_key(|event| event.position);
        let rows = events.into_iter().map(|event| values_of(event, known)).collect::<Result<Vec<_>>>()?;
        self.write_new(conn, &self.sql().restore_events, rows, "a position").await
    }

    /// Writes rows whose keys must be free.
    async fn write_new(&self, conn: &mut D::Conn, multi: &Multi, rows: Vec<Vec<Value<'_>>>, what: &str) -> Result<()> {
        for (query, _) in multi.queries(rows) {
            if self.execute(conn, query, OPERATION).await? == Executed::Duplicate {
                return Err(taken(what));
            }
        }
        Ok(())
    }
}

fn taken(what: &str) -> Error {
    Error::new(ErrorKind::Invalid, OPERATION, format!("expected what is not there yet, found {what} that is"))
}

/// An event with its position, in the columns that are written.
fn values_of<'q>(event: &'q Event, known: &Known) -> Result<Vec<Value<'q>>> {
    let unnamed = || corrupt(OPERATION, format!("expected what event {} names to exist", event.position));
    let mut row = vec![event.position.get().into()];
    match &event.subject {
        Subject::Scope(scope) => {
            let id = known.scope_id(scope).ok_or_else(unnamed)?;
            row.extend(values::scope_event(event, scope, id));
        }
        Subject::Resource { id, key, state, generation, attempt } => {
            let ids = known.namespaces.id(&key.namespace).zip(known.kinds.id(&key.kind));
            let (namespace, kind) = ids.ok_or_else(unnamed)?;
            row.extend([
                event.kind.as_str().into(),
                event.kind.reason().map(Reason::as_str).into(),
                id.get().into(),
                namespace.into(),
                kind.into(),
                key.object_id.as_str().as_bytes().into(),
                state.as_str().into(),
                (*generation).into(),
                (*attempt).into(),
                event.at.into(),
                Metadata::as_stored(&event.metadata).into(),
                event.trace.as_ref().map(Trace::as_str).into(),
                event.object.as_deref().into(),
            ]);
        }
    }
    Ok(row)
}
