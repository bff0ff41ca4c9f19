use std::collections::BTreeSet;
use std::sync::Arc;

use delta_core::{
    AbsentBy, AttemptError, DeletedBy, Desired, Detail, Error, ErrorKind, Event, EventKind, Key, Lease, LeaseToken,
    Metadata, ObjectHash, ObjectId, Owner, Position, Priority, Resource, ResourceId, Result, Scope, State, Subject,
    Tags, Timestamp, Trace,
};

use super::driver::MysqlDriver;
use super::names::Known;
use super::tables::Tables;
use crate::driver::{Field, Row};

/// Reads a row's columns one after the other.
pub(super) struct Fields<'r, R> {
    row: &'r R,
    next: usize,
    operation: &'static str,
}

impl<'r, R: Row> Fields<'r, R> {
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

    pub(super) fn flag(&mut self) -> Result<bool> {
        Ok(self.take::<i64>()? != 0)
    }

    fn time(&mut self) -> Result<Timestamp> {
        Ok(Timestamp::from_micros(self.take()?))
    }

    pub(super) fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_micros))
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

    fn corrupt(&self, what: impl Into<String>) -> Error {
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

fn key<R: Row>(fields: &mut Fields<'_, R>, known: &Known) -> Result<Key> {
    let (namespace, kind): (i64, i64) = (fields.take()?, fields.take()?);
    let object_id = ObjectId::new(fields.take::<&str>()?).map_err(|invalid| fields.corrupt(invalid.to_string()))?;
    if let (Some(namespace), Some(kind)) = (known.namespaces.name(namespace), known.kinds.name(kind)) {
        return Ok(Key { namespace: namespace.clone(), kind: kind.clone(), object_id });
    }
    Err(fields.corrupt(format!("expected a kind and a namespace, found {kind} and {namespace}, which are none")))
}

/// Reads `HEAD`.
pub(super) fn head<R: Row>(fields: &mut Fields<'_, R>, known: &Known) -> Result<Resource> {
    let id = ResourceId::new(fields.take()?);
    let key = key(fields, known)?;
    let (state, state_since) = (State::from(fields.take::<&str>()?), fields.time()?);
    let absent_by = fields.maybe("who wants it absent", AbsentBy::from_stored)?;
    let priority: i64 = fields.take()?;
    let priority = u8::try_from(priority).ok().and_then(|priority| Priority::new(priority).ok());
    let priority = priority.ok_or_else(|| fields.corrupt("expected a priority from 1 to 4"))?;
    let (generation, synced_generation) = (fields.take()?, fields.take()?);
    let (attempt, max_attempts, run_at) = (fields.take()?, fields.take()?, fields.maybe_time()?);
    let lease = lease(fields)?;
    let version = fields.take()?;
    let hash: &[u8] = fields.take()?;
    let hash = hash.try_into().map(ObjectHash::from_bytes);
    let hash = hash.map_err(|_| fields.corrupt("expected a hash of 32 bytes, found one of another length"))?;
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
        metadata: Metadata::from_stored(fields.take()?),
        trace: fields.take::<Option<String>>()?.map(Trace::from_stored),
        error_count: fields.take()?,
        external_created_at: fields.maybe_time()?,
        created_at: fields.time()?,
        updated_at: fields.time()?,
        attempted_at: fields.maybe_time()?,
        synced_at: fields.maybe_time()?,
        deleted_at: fields.maybe_time()?,
        deleted_by: fields.maybe("who had it deleted", DeletedBy::from_stored)?,
        paused: fields.flag()?,
        detail: None,
    })
}

fn lease<R: Row>(fields: &mut Fields<'_, R>) -> Result<Option<Lease>> {
    let (token, generation): (Option<i64>, Option<i64>) = (fields.take()?, fields.take()?);
    let (attempt, owner): (Option<i64>, Option<i64>) = (fields.take()?, fields.take()?);
    let (until, cancel_requested) = (fields.maybe_time()?, fields.flag()?);
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

/// Reads `DETAIL`; none where the resource has none.
pub(super) fn detail<R: Row>(fields: &mut Fields<'_, R>) -> Result<Option<Detail>> {
    let Some(object) = fields.take::<Option<&str>>()? else { return Ok(None) };
    let tags: Vec<String> = match fields.take::<Option<&str>>()? {
        None => Vec::new(),
        Some(text) => serde_json::from_str(text).map_err(|error| fields.corrupt(error.to_string()))?,
    };
    Ok(Some(Detail { object: object.into(), tags: Tags::from_stored(tags), errors: errors(fields)? }))
}

fn errors<R: Row>(fields: &mut Fields<'_, R>) -> Result<Vec<AttemptError>> {
    type Stored = (i64, i64, i64, i64, String, Option<String>);
    let Some(text) = fields.take::<Option<&str>>()? else { return Ok(Vec::new()) };
    let mut stored: Vec<Stored> = serde_json::from_str(text).map_err(|error| fields.corrupt(error.to_string()))?;
    stored.sort_by_key(|error| error.0);
    let text = |hex: &str| unhex(hex).ok_or_else(|| fields.corrupt("expected the text of an error, found none"));
    let error = |(_, at, generation, attempt, message, backtrace): &Stored| {
        Ok(AttemptError {
            at: Timestamp::from_micros(*at),
            generation: *generation,
            attempt: *attempt,
            message: text(message)?,
            backtrace: backtrace.as_deref().map(text).transpose()?,
        })
    };
    stored.iter().map(error).collect()
}

fn unhex(hex: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok());
    rest.is_empty().then(|| String::from_utf8(bytes.collect::<Option<_>>()?).ok()).flatten()
}

/// Reads an event: its position and the columns that are written.
pub(super) fn event<R: Row>(row: &R, known: &Known) -> Result<Event> {
    let mut fields = Fields::new(row, "events");
    let position = Position::new(fields.take()?);
    let (name, reason): (&str, Option<&str>) = (fields.take()?, fields.take()?);
    let kind = EventKind::from_stored(name, reason).ok_or_else(|| {
        fields.corrupt(format!("expected a kind of event, found {name:?} with the reason {reason:?}"))
    })?;
    let Some(id) = fields.take::<Option<i64>>()? else {
        let (namespace, kind_id): (Option<i64>, Option<i64>) = (fields.take()?, fields.take()?);
        let namespace = namespace.and_then(|id| known.namespaces.name(id)).cloned().map(Scope::Namespace);
        let scope = namespace.or_else(|| kind_id.and_then(|id| known.kinds.name(id)).cloned().map(Scope::Kind));
        let scope =
            scope.ok_or_else(|| fields.corrupt("expected an event about something, found one about nothing"))?;
        return Ok(Event::of_scope(position, kind, scope, fields.skip(4).time()?));
    };
    let key = key(&mut fields, known)?;
    let state = State::from(fields.take::<&str>()?);
    let (generation, attempt) = (fields.take()?, fields.take()?);
    Ok(Event {
        position,
        kind,
        subject: Subject::Resource { id: ResourceId::new(id), key, state, generation, attempt },
        at: fields.time()?,
        metadata: Metadata::from_stored(fields.take()?),
        trace: fields.take::<Option<String>>()?.map(Trace::from_stored),
        object: fields.take::<Option<&str>>()?.map(Into::into),
    })
}

impl<D: MysqlDriver> Tables<D> {
    /// Learns the names that rows speak of: the namespace and the kind stand after so many other columns.
    pub(super) async fn known_of(
        &self,
        conn: &mut D::Conn,
        rows: &[D::Row],
        before: usize,
        operation: &'static str,
    ) -> Result<Arc<Known>> {
        let known = self.names().known();
        let (mut kinds, mut namespaces) = (BTreeSet::new(), BTreeSet::new());
        for row in rows {
            let mut fields = Fields::new(row, operation).skip(before);
            let (namespace, kind): (Option<i64>, Option<i64>) = (fields.take()?, fields.take()?);
            namespaces.extend(namespace.filter(|id| known.namespaces.name(*id).is_none()));
            kinds.extend(kind.filter(|id| known.kinds.name(*id).is_none()));
        }
        if kinds.is_empty() && namespaces.is_empty() {
            return Ok(known);
        }
        self.name_ids(conn, &kinds, &namespaces).await
    }

    /// Reads the narrow part of resources.
    pub(super) async fn heads(
        &self,
        conn: &mut D::Conn,
        rows: &[D::Row],
        operation: &'static str,
    ) -> Result<Vec<Resource>> {
        let known = self.known_of(conn, rows, 1, operation).await?;
        rows.iter().map(|row| head(&mut Fields::new(row, operation), &known)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_from_its_digits() {
        assert_eq!(unhex("C3A40A"), Some("ä\n".to_owned()));
        assert_eq!(unhex(""), Some(String::new()));
        for bad in ["C", "zz", "FF"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }
}
