//! What the program prints as JSON. Fields are added, never renamed or removed.

use delta::core::{AbsentBy, AttemptError, DeletedBy, Desired, Resource, Subject, Trace};
use delta::{Event, Reason, State, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// A resource.
#[derive(Debug, Serialize)]
pub(crate) struct ResourceRecord<'a> {
    id: i64,
    namespace: &'a str,
    kind: &'a str,
    object_id: &'a str,
    state: &'a State,
    state_since: Timestamp,
    desired: &'static str,
    absent_by: Option<&'static str>,
    priority: u8,
    generation: i64,
    synced_generation: i64,
    attempt: i64,
    max_attempts: Option<i64>,
    run_at: Option<Timestamp>,
    lease: Option<LeaseRecord>,
    paused: bool,
    version: i64,
    hash: String,
    metadata: Value,
    trace: Option<&'a str>,
    external_created_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    attempted_at: Option<Timestamp>,
    synced_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    deleted_by: Option<&'static str>,
    error_count: i64,
    errors: &'a [AttemptError],
    tags: &'a [String],
    object: Value,
}

#[derive(Debug, Serialize)]
struct LeaseRecord {
    owner: String,
    generation: i64,
    attempt: i64,
    until: Timestamp,
    cancel_requested: bool,
}

impl<'a> ResourceRecord<'a> {
    pub(crate) fn new(row: &'a Resource) -> Self {
        let detail = row.detail.as_ref();
        Self {
            id: row.id.get(),
            namespace: row.key.namespace.as_str(),
            kind: row.key.kind.as_str(),
            object_id: row.key.object_id.as_str(),
            state: &row.state,
            state_since: row.state_since,
            desired: match row.desired {
                Desired::Present => "present",
                Desired::Absent(_) => "absent",
            },
            absent_by: row.desired.absent_by().map(AbsentBy::as_str),
            priority: row.priority.get(),
            generation: row.generation,
            synced_generation: row.synced_generation,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            run_at: row.run_at,
            lease: row.lease.as_ref().map(|lease| LeaseRecord {
                owner: lease.owner.to_string(),
                generation: lease.generation,
                attempt: lease.attempt,
                until: lease.until,
                cancel_requested: lease.cancel_requested,
            }),
            paused: row.paused,
            version: row.version,
            hash: row.hash.to_string(),
            metadata: json(row.metadata.as_str()),
            trace: row.trace.as_ref().map(Trace::as_str),
            external_created_at: row.external_created_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            attempted_at: row.attempted_at,
            synced_at: row.synced_at,
            deleted_at: row.deleted_at,
            deleted_by: row.deleted_by.map(DeletedBy::as_str),
            error_count: row.error_count,
            errors: detail.map_or(&[], |detail| &detail.errors),
            tags: detail.map_or(&[], |detail| detail.tags.as_slice()),
            object: detail.map_or(Value::Null, |detail| json(&detail.object)),
        }
    }
}

/// An event.
#[derive(Debug, Serialize)]
pub(crate) struct EventRecord<'a> {
    position: i64,
    at: Timestamp,
    event: &'static str,
    reason: Option<&'static str>,
    /// `null` for an event about a kind as a whole.
    namespace: Option<&'a str>,
    /// `null` for an event about a namespace as a whole.
    kind: Option<&'a str>,
    object_id: Option<&'a str>,
    resource: Option<i64>,
    state: Option<&'a State>,
    generation: Option<i64>,
    attempt: Option<i64>,
    metadata: Value,
    trace: Option<&'a str>,
    object: Value,
}

impl<'a> EventRecord<'a> {
    pub(crate) fn new(event: &'a Event) -> Self {
        let mut record = Self {
            position: event.position.get(),
            at: event.at,
            event: event.kind.as_str(),
            reason: event.kind.reason().map(Reason::as_str),
            namespace: None,
            kind: None,
            object_id: None,
            resource: None,
            state: None,
            generation: None,
            attempt: None,
            metadata: json(event.metadata.as_str()),
            trace: event.trace.as_ref().map(Trace::as_str),
            object: event.object.as_deref().map_or(Value::Null, json),
        };
        match &event.subject {
            Subject::Resource { id, key, state, generation, attempt } => {
                record.namespace = Some(key.namespace.as_str());
                record.kind = Some(key.kind.as_str());
                record.object_id = Some(key.object_id.as_str());
                record.resource = Some(id.get());
                record.state = Some(state);
                record.generation = Some(*generation);
                record.attempt = Some(*attempt);
            }
            Subject::Scope(delta::core::Scope::Kind(name)) => record.kind = Some(name.as_str()),
            Subject::Scope(delta::core::Scope::Namespace(name)) => record.namespace = Some(name.as_str()),
        }
        record
    }
}

/// Stored JSON text as a value; as a text where it is not what it should be.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
