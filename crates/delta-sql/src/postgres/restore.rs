use delta_core::{
    AbsentBy, Cursor, DeletedBy, Detail, Error, ErrorKind, Event, Foreign, GivenOut, Lease, LeaseToken, Metadata, Name,
    Owner, Position, Reason, Resource, ResourceId, RestoreBatch, RestoreFence, Restored, Result, Scope, ScopeRecord,
    State, Subject, Trace,
};

use super::commit::CONFLICT_LIMIT;
use super::drafts::{Errors, tags_text};
use super::driver::PostgresDriver;
use super::query::{Query, Value};
use super::rows::field;
use super::tables::{Tables, first};
use super::templates::position;
use crate::driver::{Backoff, Need};

const OPERATION: &str = "restore";

impl<D: PostgresDriver> Tables<D> {
    /// The highest id and position that were ever given out.
    pub async fn given_out(&self, conn: &mut D::Conn) -> Result<GivenOut> {
        let rows = self.read(conn, Query::new(&self.sql().given_out), "given out").await?;
        given_out(&rows, "given out")
    }

    /// Writes a batch of exact copies.
    ///
    /// Kinds and namespaces come to be in the batch's own transaction, which nobody reads in: their ids are not
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

    /// Has the server look at how much there is: right after an import it takes the tables for empty, and would read all of
    /// one for each page.
    ///
    /// Who does not own the tables gets a warning from the server, and nothing else.
    pub async fn refresh(&self, conn: &mut D::Conn) -> Result<()> {
        self.driver().script(conn, &self.sql().analyze, "refresh").await
    }

    async fn restore_once(&self, conn: &mut D::Conn, batch: &RestoreBatch) -> Result<Restored> {
        let mut unit = self.unit(conn, Need::Transaction, OPERATION).await?;
        let done = self.restore_in(unit.conn(), batch).await?;
        match done {
            Restored::Written(_) => unit.keep(OPERATION).await?,
            Restored::Lost | Restored::Foreign(_) => unit.undo(OPERATION).await?,
        }
        Ok(done)
    }

    async fn restore_in(&self, conn: &mut D::Conn, batch: &RestoreBatch) -> Result<Restored> {
        // First, because it holds off another import until this batch is written.
        if self.write_cursors(conn, &[batch.progress.clone().put()]).await?.is_some() {
            return Ok(Restored::Lost);
        }
        let sql = self.sql();
        if let RestoreFence::Empty(at_least) = batch.fence {
            let query = Query::new(&sql.foreign).bind(&batch.progress.name);
            let rows = self.fetch(conn, query, OPERATION).await?;
            let found: Option<&str> = field(first(&rows, OPERATION)?, 0, OPERATION)?;
            if let Some(foreign) = found.and_then(Foreign::from_stored) {
                return Ok(Restored::Foreign(foreign));
            }
            let query = Query::new(&sql.raise_given_out).bind(at_least.id.get()).bind(at_least.position.get());
            self.fetch(conn, query, OPERATION).await?;
        }
        let rows = self.fetch(conn, Query::new(&sql.given_out), OPERATION).await?;
        let now = given_out(&rows, OPERATION)?;
        if let RestoreFence::Untouched(since) = batch.fence
            && now != since
        {
            return Ok(Restored::Foreign(Foreign::GivenOut(now)));
        }
        self.restore_scopes(conn, batch).await?;
        self.restore_resources(conn, &batch.resources).await?;
        self.restore_events(conn, &batch.events).await?;
        self.restore_cursors(conn, &batch.cursors).await?;
        Ok(Restored::Written(now))
    }

    async fn restore_scopes(&self, conn: &mut D::Conn, batch: &RestoreBatch) -> Result<()> {
        let sql = self.sql();
        let (kinds, namespaces): (Vec<_>, Vec<_>) =
            batch.scopes.iter().partition(|record| matches!(record.scope, Scope::Kind(_)));
        for (text, records) in [(&sql.restore_kinds, kinds), (&sql.restore_namespaces, namespaces)] {
            if !records.is_empty() {
                let query = Query::new(text).bind(column(&records, |record| name(record)));
                let query = query.bind(column(&records, |record| record.paused));
                let query = query.bind(column(&records, |record| record.settings.as_deref()));
                self.fetch(conn, query, OPERATION).await?;
            }
        }
        let events = batch.events.iter().flat_map(names_of);
        let rows = batch.resources.iter().flat_map(|row| [(0, &row.key.kind), (1, &row.key.namespace)]);
        let mut wanted: Vec<(i32, &Name)> = events.chain(rows).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for (which, text) in [(0, &sql.new_kinds), (1, &sql.new_namespaces)] {
            let of = wanted.iter().filter(|(kind, _)| *kind == which);
            let names: Vec<&str> = of.map(|(_, name)| name.as_str()).collect();
            if !names.is_empty() {
                self.fetch(conn, Query::new(text).bind(names), OPERATION).await?;
            }
        }
        Ok(())
    }

    async fn restore_resources(&self, conn: &mut D::Conn, rows: &[Resource]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let sql = self.sql();
        self.fetch(conn, bind_resources(Query::new(&sql.restore_resources), rows), OPERATION).await?;
        let details: Vec<(&Resource, &Detail)> =
            rows.iter().filter_map(|row| row.detail.as_ref().map(|detail| (row, detail))).collect();
        let query = Query::new(&sql.restore_details)
            .bind(column(&details, |(row, _)| row.id.get()))
            .bind(column(&details, |(row, _)| &row.hash.as_bytes()[..]))
            .bind(column(&details, |(_, detail)| &*detail.object))
            .bind(column(&details, |(_, detail)| tags_text(detail.tags.as_slice())));
        self.fetch(conn, query, OPERATION).await?;
        let (mut ids, mut numbers, mut errors) = (Vec::new(), Vec::new(), Errors::default());
        for (row, detail) in details {
            let before = row.error_count - position(detail.errors.len());
            for (index, error) in detail.errors.iter().enumerate() {
                ids.push(row.id.get());
                numbers.push(before + position(index) + 1);
                errors.push(Some(error));
            }
        }
        if !errors.is_empty() {
            let query = errors.bind(Query::new(&sql.restore_errors).bind(ids).bind(numbers));
            self.fetch(conn, query, OPERATION).await?;
        }
        Ok(())
    }

    async fn restore_events(&self, conn: &mut D::Conn, events: &[Event]) -> Result<()> {
        if !events.is_empty() {
            self.fetch(conn, bind_events(Query::new(&self.sql().restore_events), events), OPERATION).await?;
        }
        Ok(())
    }

    async fn restore_cursors(&self, conn: &mut D::Conn, cursors: &[Cursor]) -> Result<()> {
        if cursors.is_empty() {
            return Ok(());
        }
        let query = Query::new(&self.sql().restore_cursors)
            .bind(column(cursors, |cursor| cursor.name.as_str()))
            .bind(column(cursors, |cursor| cursor.position.as_deref()))
            .bind(column(cursors, |cursor| cursor.holder.map(Owner::get)))
            .bind(column(cursors, |cursor| cursor.lease_until))
            .bind(column(cursors, |cursor| cursor.next_at))
            .bind(column(cursors, |cursor| cursor.data.as_deref()))
            .bind(column(cursors, |cursor| cursor.version));
        self.fetch(conn, query, OPERATION).await?;
        Ok(())
    }
}

fn given_out<R: super::driver::ArrayRow>(rows: &[R], operation: &'static str) -> Result<GivenOut> {
    let row = first(rows, operation)?;
    let (id, position) = (field(row, 0, operation)?, field(row, 1, operation)?);
    Ok(GivenOut { id: ResourceId::new(id), position: Position::new(position) })
}

/// One value of each item, as an array.
fn column<'q, I, T>(items: &'q [I], value: impl FnMut(&'q I) -> T) -> Value<'q>
where
    Vec<T>: Into<Value<'q>>,
{
    items.iter().map(value).collect::<Vec<T>>().into()
}

fn name(record: &ScopeRecord) -> &str {
    match &record.scope {
        Scope::Kind(name) | Scope::Namespace(name) => name.as_str(),
    }
}

/// The names that an event speaks of: 0 and a kind, 1 and a namespace.
fn names_of(event: &Event) -> Vec<(i32, &Name)> {
    match &event.subject {
        Subject::Resource { key, .. } => vec![(0, &key.kind), (1, &key.namespace)],
        Subject::Scope(Scope::Kind(name)) => vec![(0, name)],
        Subject::Scope(Scope::Namespace(name)) => vec![(1, name)],
    }
}

fn bind_resources<'q>(query: Query<'q>, rows: &'q [Resource]) -> Query<'q> {
    let lease = |row: &'q Resource| row.lease.as_ref();
    query
        .bind(column(rows, |row| row.id.get()))
        .bind(column(rows, |row| row.key.namespace.as_str()))
        .bind(column(rows, |row| row.key.kind.as_str()))
        .bind(column(rows, |row| row.key.object_id.as_str()))
        .bind(column(rows, |row| row.state.as_str()))
        .bind(column(rows, |row| row.state_since))
        .bind(column(rows, |row| row.desired.absent_by().map(AbsentBy::as_str)))
        .bind(column(rows, |row| i16::from(row.priority.get())))
        .bind(column(rows, |row| row.generation))
        .bind(column(rows, |row| row.synced_generation))
        .bind(column(rows, |row| row.attempt))
        .bind(column(rows, |row| row.max_attempts))
        .bind(column(rows, |row| row.run_at))
        .bind(column(rows, |row| lease(row).map(|lease| LeaseToken::get(lease.token))))
        .bind(column(rows, |row| lease(row).map(|lease| lease.generation)))
        .bind(column(rows, |row| lease(row).map(|lease| lease.attempt)))
        .bind(column(rows, |row| lease(row).map(|lease| Owner::get(lease.owner))))
        .bind(column(rows, |row| lease(row).map(|lease: &Lease| lease.until)))
        .bind(column(rows, |row| lease(row).is_some_and(|lease| lease.cancel_requested)))
        .bind(column(rows, |row| row.version))
        .bind(column(rows, |row| &row.hash.as_bytes()[..]))
        .bind(column(rows, |row| Metadata::as_stored(&row.metadata)))
        .bind(column(rows, |row| row.trace.as_ref().map(Trace::as_str)))
        .bind(column(rows, |row| row.error_count))
        .bind(column(rows, |row| row.external_created_at))
        .bind(column(rows, |row| row.created_at))
        .bind(column(rows, |row| row.updated_at))
        .bind(column(rows, |row| row.attempted_at))
        .bind(column(rows, |row| row.synced_at))
        .bind(column(rows, |row| row.deleted_at))
        .bind(column(rows, |row| row.deleted_by.map(DeletedBy::as_str)))
        .bind(column(rows, |row| row.paused))
}

fn bind_events<'q>(query: Query<'q>, events: &'q [Event]) -> Query<'q> {
    let name = |event: &'q Event, which| {
        let found = names_of(event).into_iter().find(|(kind, _)| *kind == which);
        found.map(|(_, name)| name.as_str())
    };
    let subject = |event: &'q Event| match &event.subject {
        Subject::Resource { id, key, state, generation, attempt } => {
            Some((id.get(), key.object_id.as_str(), State::as_str(state), *generation, *attempt))
        }
        Subject::Scope(_) => None,
    };
    query
        .bind(column(events, |event| event.position.get()))
        .bind(column(events, |event| event.kind.as_str()))
        .bind(column(events, |event| event.kind.reason().map(Reason::as_str)))
        .bind(column(events, |event| subject(event).map(|(id, ..)| id)))
        .bind(column(events, |event| name(event, 1)))
        .bind(column(events, |event| name(event, 0)))
        .bind(column(events, |event| subject(event).map(|(_, object_id, ..)| object_id)))
        .bind(column(events, |event| subject(event).map(|(_, _, state, ..)| state)))
        .bind(column(events, |event| subject(event).map(|(_, _, _, generation, _)| generation)))
        .bind(column(events, |event| subject(event).map(|(_, _, _, _, attempt)| attempt)))
        .bind(column(events, |event| event.at))
        .bind(column(events, |event| Metadata::as_stored(&event.metadata)))
        .bind(column(events, |event| event.trace.as_ref().map(Trace::as_str)))
        .bind(column(events, |event| event.object.as_deref()))
}
