use std::collections::BTreeSet;

use delta_core::{
    AbsentBy, AttemptError, DeletedBy, Depth, Desired, Detail, Error, ErrorKind, Event, EventKind, Key, Lease,
    LeaseToken, Metadata, ObjectHash, ObjectId, Owner, Position, Priority, Resource, ResourceId, Result, Scope, State,
    Subject, Tags, Timestamp, Trace,
};

use super::driver::{ArrayRow, PostgresDriver};
use super::names::Known;
use super::tables::Tables;
use crate::driver::Field;

/// How many columns `columns::REST` has.
const REST: usize = 22;
/// How many columns `columns::EVENT` has.
pub(super) const EVENT: usize = 14;

/// Reads a row's columns one after the other.
pub(super) struct Fields<'r, R> {
    row: &'r R,
    next: usize,
    operation: &'static str,
}

impl<'r, R: ArrayRow> Fields<'r, R> {
    pub(super) fn new(row: &'r R, operation: &'static str) -> Self {
        Self { row, next: 0, operation }
    }

    pub(super) fn skip(mut self, columns: usize) -> Self {
        self.next += columns;
        self
    }

    pub(super) fn take<T: Field<'r, R>>(&mut self) -> Result<T> {
        let value = field(self.row, self.next, self.operation)?;
        self.next += 1;
        Ok(value)
    }

    pub(super) fn time(&mut self) -> Result<Timestamp> {
        self.take()
    }

    pub(super) fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        self.take()
    }

    fn maybe<T>(&mut self, what: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        match self.take::<Option<&str>>()? {
            None => Ok(None),
            Some(text) => match read(text) {
                Some(value) => Ok(Some(value)),
                None => Err(self.corrupt(format!("expected {what}, found {text:?}"))),
            },
        }
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> Error {
        corrupt(self.operation, what)
    }
}

/// Reads one column.
pub(super) fn field<'r, R, T: Field<'r, R>>(row: &'r R, column: usize, operation: &'static str) -> Result<T> {
    T::read(row, column).map_err(|source| Error::new(ErrorKind::Corrupt, operation, source))
}

/// Something stored that cannot be what it is.
pub(super) fn corrupt(operation: &'static str, what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, operation, what.into())
}

/// A claimed resource whose detail may be of another version: see `columns::LOCKED_DETAIL`.
pub(super) enum Read {
    Whole(Resource),
    /// Not the object that the row speaks of.
    Torn(Resource),
}

fn key<R: ArrayRow>(fields: &mut Fields<'_, R>, known: &Known) -> Result<Key> {
    let (namespace, kind): (i32, i32) = (fields.take()?, fields.take()?);
    let object_id = ObjectId::new(fields.take::<&str>()?).map_err(|invalid| fields.corrupt(invalid.to_string()))?;
    match (known.namespaces.name(namespace), known.kinds.name(kind)) {
        (Some(namespace), Some(kind)) => Ok(Key { namespace: namespace.clone(), kind: kind.clone(), object_id }),
        _ => {
            Err(fields
                .corrupt(format!("expected a kind and a namespace, found {kind} and {namespace}, which are none")))
        }
    }
}

/// Reads `SUBJECT` and `REST`.
fn head<R: ArrayRow>(fields: &mut Fields<'_, R>, known: &Known) -> Result<Resource> {
    let id = ResourceId::new(fields.take()?);
    let key = key(fields, known)?;
    let state = State::from(fields.take::<&str>()?);
    let state_since = fields.time()?;
    let (generation, attempt) = (fields.take()?, fields.take()?);
    let metadata = Metadata::from_stored(fields.take()?);
    let trace = fields.take::<Option<String>>()?.map(Trace::from_stored);
    let absent_by = fields.maybe("who wants it absent", AbsentBy::from_stored)?;
    let priority: i16 = fields.take()?;
    let priority = u8::try_from(priority).ok().and_then(|priority| Priority::new(priority).ok());
    let priority = priority.ok_or_else(|| fields.corrupt("expected a priority from 1 to 4"))?;
    let (synced_generation, max_attempts, run_at) = (fields.take()?, fields.take()?, fields.maybe_time()?);
    let lease = lease(fields)?;
    let version = fields.take()?;
    let hash = hash(fields)?.ok_or_else(|| fields.corrupt("expected a hash, found none"))?;
    Ok(Resource {
        id,
        key,
        state,
        state_since,
        desired: absent_by.map_or(Desired::Present, Desired::Absent),
        priority,
        generation,
        synced_generation,
        attempt,
        max_attempts,
        run_at,
        lease,
        version,
        hash,
        metadata,
        trace,
        error_count: fields.take()?,
        external_created_at: fields.maybe_time()?,
        created_at: fields.time()?,
        updated_at: fields.time()?,
        attempted_at: fields.maybe_time()?,
        synced_at: fields.maybe_time()?,
        deleted_at: fields.maybe_time()?,
        deleted_by: fields.maybe("who had it deleted", DeletedBy::from_stored)?,
        paused: fields.take()?,
        detail: None,
    })
}

fn lease<R: ArrayRow>(fields: &mut Fields<'_, R>) -> Result<Option<Lease>> {
    let token: Option<i64> = fields.take()?;
    let (generation, attempt, owner): (Option<i64>, Option<i64>, Option<i64>) =
        (fields.take()?, fields.take()?, fields.take()?);
    let (until, cancel_requested) = (fields.maybe_time()?, fields.take()?);
    match (token, generation, attempt, owner, until) {
        (None, ..) => Ok(None),
        (Some(token), Some(generation), Some(attempt), Some(owner), Some(until)) => Ok(Some(Lease {
            token: LeaseToken::new(token),
            generation,
            attempt,
            owner: Owner::new(owner),
            until,
            cancel_requested,
        })),
        _ => Err(fields.corrupt("expected a whole lease, found parts of one")),
    }
}

fn hash<R: ArrayRow>(fields: &mut Fields<'_, R>) -> Result<Option<ObjectHash>> {
    match fields.take::<Option<&[u8]>>()? {
        None => Ok(None),
        Some(bytes) => match bytes.try_into() {
            Ok(bytes) => Ok(Some(ObjectHash::from_bytes(bytes))),
            Err(_) => Err(fields.corrupt(format!("expected a hash of 32 bytes, found {}", bytes.len()))),
        },
    }
}

fn errors<R: ArrayRow>(fields: &mut Fields<'_, R>) -> Result<Vec<AttemptError>> {
    type Stored = (i64, i64, i64, String, Option<String>);
    let Some(text) = fields.take::<Option<&str>>()? else { return Ok(Vec::new()) };
    let stored: Vec<Stored> = serde_json::from_str(text).map_err(|error| fields.corrupt(error.to_string()))?;
    let error = |(at, generation, attempt, message, backtrace): Stored| AttemptError {
        at: Timestamp::from_micros(at),
        generation,
        attempt,
        message,
        backtrace,
    };
    Ok(stored.into_iter().map(error).collect())
}

/// Reads `SUBJECT`, `REST` and the detail.
pub(super) fn full<R: ArrayRow>(fields: &mut Fields<'_, R>, known: &Known) -> Result<Read> {
    let mut row = head(fields, known)?;
    let object: Option<&str> = fields.take()?;
    let stored = hash(fields)?;
    let tags = Tags::from_stored(fields.take::<Option<Vec<String>>>()?.unwrap_or_default());
    let errors = errors(fields)?;
    let Some(object) = object else { return Ok(Read::Torn(row)) };
    let whole = stored.unwrap_or_else(|| ObjectHash::of(object)) == row.hash;
    row.detail = Some(Detail { object: object.into(), tags, errors });
    Ok(if whole { Read::Whole(row) } else { Read::Torn(row) })
}

/// Where the object of an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventShape {
    /// `columns::EVENT`.
    Plain,
    /// With the rest of a resource's columns before it.
    BesideClaims,
}

/// Reads an event.
pub(super) fn event<R: ArrayRow>(fields: &mut Fields<'_, R>, known: &Known, shape: EventShape) -> Result<Event> {
    let position = Position::new(fields.take()?);
    let (name, reason): (&str, Option<&str>) = (fields.take()?, fields.take()?);
    let kind = EventKind::from_stored(name, reason).ok_or_else(|| {
        fields.corrupt(format!("expected a kind of event, found {name:?} with the reason {reason:?}"))
    })?;
    let id: Option<i64> = fields.take()?;
    let (subject, at, metadata, trace) = if let Some(id) = id {
        let key = key(fields, known)?;
        let state = State::from(fields.take::<&str>()?);
        let at = fields.time()?;
        let (generation, attempt) = (fields.take()?, fields.take()?);
        let subject = Subject::Resource { id: ResourceId::new(id), key, state, generation, attempt };
        (subject, at, Metadata::from_stored(fields.take()?), fields.take::<Option<String>>()?.map(Trace::from_stored))
    } else {
        let (namespace, kind): (Option<i32>, Option<i32>) = (fields.take()?, fields.take()?);
        let namespace = namespace.and_then(|id| known.namespaces.name(id)).cloned().map(Scope::Namespace);
        let scope = namespace.or_else(|| kind.and_then(|id| known.kinds.name(id)).cloned().map(Scope::Kind));
        let scope =
            scope.ok_or_else(|| fields.corrupt("expected an event about something, found one about nothing"))?;
        fields.next += 2;
        let at = fields.time()?;
        fields.next += 4;
        (Subject::Scope(scope), at, Metadata::EMPTY, None)
    };
    if shape == EventShape::BesideClaims {
        fields.next += REST;
    }
    let object = fields.take::<Option<&str>>()?.map(Into::into);
    Ok(Event { position, kind, subject, at, metadata, trace, object })
}

impl<D: PostgresDriver> Tables<D> {
    /// Learns the names that rows speak of; the columns of `SUBJECT` begin after so many others.
    pub(super) async fn known_of(
        &self,
        conn: &mut D::Conn,
        rows: &[D::Row],
        before: usize,
        operation: &'static str,
    ) -> Result<std::sync::Arc<Known>> {
        let known = self.names().known();
        let (mut kinds, mut namespaces) = (BTreeSet::new(), BTreeSet::new());
        for row in rows {
            let mut fields = Fields::new(row, operation).skip(before + 1);
            let (namespace, kind): (Option<i32>, Option<i32>) = (fields.take()?, fields.take()?);
            namespaces.extend(namespace.filter(|id| known.namespaces.name(*id).is_none()));
            kinds.extend(kind.filter(|id| known.kinds.name(*id).is_none()));
        }
        if kinds.is_empty() && namespaces.is_empty() {
            return Ok(known);
        }
        self.name_ids(conn, &kinds, &namespaces).await
    }

    /// Reads resources, each of one snapshot.
    pub(super) async fn resources(
        &self,
        conn: &mut D::Conn,
        rows: &[D::Row],
        depth: Depth,
        operation: &'static str,
    ) -> Result<Vec<Resource>> {
        let known = self.known_of(conn, rows, 0, operation).await?;
        let resource = |row| {
            let mut fields = Fields::new(row, operation);
            match depth {
                Depth::Head => head(&mut fields, &known),
                Depth::Full => match full(&mut fields, &known)? {
                    Read::Whole(row) => Ok(row),
                    Read::Torn(row) => {
                        Err(corrupt(operation, format!("the stored object of {} is not its own", row.key)))
                    }
                },
            }
        };
        rows.iter().map(resource).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::postgres::text::columns;

    #[test]
    fn the_groups_of_columns_are_as_long_as_they_are_read() {
        assert_eq!(columns::SUBJECT.split(',').count(), 10, "event() skips what a scope does not have");
        assert_eq!(columns::REST.split(',').count(), super::REST);
        let event = columns::EVENT.replace("{event_subject}", columns::EVENT_SUBJECT);
        assert_eq!(event.split(',').count(), super::EVENT);
    }
}
