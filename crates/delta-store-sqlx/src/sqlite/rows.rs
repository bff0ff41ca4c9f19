use std::sync::Arc;

use delta_core::{
    AbsentBy, AttemptError, DeletedBy, Desired, Detail, Error, Key, Lease, LeaseToken, Metadata, Name, ObjectHash,
    ObjectId, Owner, Priority, Resource, ResourceId, Result, State, Tags, Timestamp, Trace,
};
use futures::TryStreamExt;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{Decode, Row, SqliteConnection, Type};

use super::errors::{corrupt, error};

/// Reads rows one column after the other.
pub(super) struct Columns<'r> {
    operation: &'static str,
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn new(operation: &'static str, row: &'r SqliteRow) -> Self {
        Self { operation, row, next: 0 }
    }

    pub(super) fn next<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index).map_err(|failed| error(self.operation, failed))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp> {
        self.next().map(Timestamp::from_micros)
    }

    pub(super) fn time_or_null(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.next::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    pub(super) fn corrupt(&self, what: impl std::fmt::Display) -> Error {
        corrupt(self.operation, what.to_string())
    }
}

/// Reads resources, and shares the names among them.
#[derive(Default)]
struct Reader {
    names: [Option<Name>; 2],
}

/// Runs a statement and reads its rows while they come; whether they are full, their width tells.
pub(super) async fn resources(
    operation: &'static str,
    query: Query<'static, Sqlite, SqliteArguments>,
    conn: &mut SqliteConnection,
) -> Result<Vec<Resource>> {
    let (mut rows, mut reader, mut found) = (query.fetch(conn), Reader::default(), Vec::new());
    while let Some(row) = rows.try_next().await.map_err(|failed| error(operation, failed))? {
        found.push(reader.resource(&mut Columns::new(operation, &row))?);
    }
    Ok(found)
}

impl Reader {
    fn name(&mut self, slot: usize, columns: &mut Columns<'_>) -> Result<Name> {
        let text: &str = columns.next()?;
        if let Some(name) = self.names[slot].as_ref().filter(|name| name.as_str() == text) {
            return Ok(name.clone());
        }
        let name = Name::new(text).map_err(|invalid| columns.corrupt(invalid))?;
        self.names[slot] = Some(name.clone());
        Ok(name)
    }

    fn resource(&mut self, columns: &mut Columns<'_>) -> Result<Resource> {
        const HEAD: usize = 32;
        let id: i64 = columns.next()?;
        let key = Key {
            namespace: self.name(0, columns)?,
            kind: self.name(1, columns)?,
            object_id: ObjectId::new(columns.next::<&str>()?).map_err(|invalid| columns.corrupt(invalid))?,
        };
        let state = State::from(columns.next::<&str>()?);
        let state_since = columns.time()?;
        let desired = match columns.next::<Option<&str>>()? {
            None => Desired::Present,
            Some(by) => Desired::Absent(stored(columns, "absent_by", by, AbsentBy::from_stored)?),
        };
        let priority = columns.next::<i64>()?;
        let priority = u8::try_from(priority).ok().and_then(|number| Priority::new(number).ok());
        let priority = priority.ok_or_else(|| columns.corrupt(format!("resource {id}: a priority out of range")))?;
        let generation = columns.next()?;
        let synced_generation = columns.next()?;
        let attempt = columns.next()?;
        let max_attempts = columns.next()?;
        let run_at = columns.time_or_null()?;
        let lease = lease(columns)?;
        Ok(Resource {
            id: ResourceId::new(id),
            key,
            state,
            state_since,
            desired,
            priority,
            generation,
            synced_generation,
            attempt,
            max_attempts,
            run_at,
            lease,
            version: columns.next()?,
            hash: match columns.next::<&[u8]>()?.try_into() {
                Ok(bytes) => ObjectHash::from_bytes(bytes),
                Err(_) => return Err(columns.corrupt(format!("resource {id}: a hash that is not of 32 bytes"))),
            },
            metadata: Metadata::from_stored(columns.next()?),
            trace: columns.next::<Option<String>>()?.map(Trace::from_stored),
            error_count: columns.next()?,
            external_created_at: columns.time_or_null()?,
            created_at: columns.time()?,
            updated_at: columns.time()?,
            attempted_at: columns.time_or_null()?,
            synced_at: columns.time_or_null()?,
            deleted_at: columns.time_or_null()?,
            deleted_by: match columns.next::<Option<&str>>()? {
                None => None,
                Some(by) => Some(stored(columns, "deleted_by", by, DeletedBy::from_stored)?),
            },
            paused: columns.next()?,
            detail: if columns.row.len() > HEAD { Some(detail(id, columns)?) } else { None },
        })
    }
}

fn stored<T>(columns: &Columns<'_>, column: &str, text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    read(text).ok_or_else(|| columns.corrupt(format!("unknown {column}: {text:?}")))
}

fn lease(columns: &mut Columns<'_>) -> Result<Option<Lease>> {
    let token: Option<i64> = columns.next()?;
    let (generation, attempt): (Option<i64>, Option<i64>) = (columns.next()?, columns.next()?);
    let owner: Option<i64> = columns.next()?;
    let until = columns.time_or_null()?;
    let cancel_requested = columns.next()?;
    let (Some(token), Some(generation), Some(attempt), Some(owner), Some(until)) =
        (token, generation, attempt, owner, until)
    else {
        return Ok(None);
    };
    let (token, owner) = (LeaseToken::new(token), Owner::new(owner));
    Ok(Some(Lease { token, generation, attempt, owner, until, cancel_requested }))
}

fn detail(id: i64, columns: &mut Columns<'_>) -> Result<Detail> {
    let object: Option<&str> = columns.next()?;
    let object = object.ok_or_else(|| columns.corrupt(format!("resource {id}: no object")))?;
    let tags: Option<&str> = columns.next()?;
    let tags: Vec<String> =
        tags.map_or(Ok(Vec::new()), serde_json::from_str).map_err(|failed| columns.corrupt(failed))?;
    let errors: Option<&str> = columns.next()?;
    let errors: Vec<(i64, i64, i64, String, Option<String>)> =
        errors.map_or(Ok(Vec::new()), serde_json::from_str).map_err(|failed| columns.corrupt(failed))?;
    let errors = errors.into_iter().map(|(at, generation, attempt, message, backtrace)| AttemptError {
        at: Timestamp::from_micros(at),
        generation,
        attempt,
        message,
        backtrace,
    });
    Ok(Detail { object: Arc::from(object), tags: Tags::from_stored(tags), errors: errors.collect() })
}
