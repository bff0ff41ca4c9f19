use std::sync::Arc;

use delta::Timestamp;
use delta::core::{
    AbsentBy, AttemptError, DeletedBy, Desired, Detail, Key, Lease, LeaseToken, Metadata, Name, ObjectHash, ObjectId,
    Owner, Priority, Resource, ResourceId, State, Tags, Trace,
};
use serde::{Deserialize, Serialize};

use super::numbers::{hash, micros, time};

/// A resource as it is stored. What is empty is left out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceLine {
    pub(super) id: i64,
    namespace: Name,
    kind: Name,
    object_id: ObjectId,
    state: State,
    state_since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent_by: Option<String>,
    priority: u8,
    generation: i64,
    synced_generation: i64,
    attempt: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_attempts: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseLine>,
    version: i64,
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    error_count: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_created_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempted_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    synced_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_by: Option<String>,
    paused: bool,
    /// The text exactly as stored, which a JSON value would not keep.
    object: Arc<str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaseLine {
    token: i64,
    generation: i64,
    attempt: i64,
    owner: i64,
    until: i64,
    cancel_requested: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorLine {
    at: i64,
    generation: i64,
    attempt: i64,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backtrace: Option<String>,
}

impl ResourceLine {
    /// `None` if the resource was read without its detail.
    pub(super) fn new(row: &Resource) -> Option<Self> {
        let detail = row.detail.as_ref()?;
        Some(Self {
            id: row.id.get(),
            namespace: row.key.namespace.clone(),
            kind: row.key.kind.clone(),
            object_id: row.key.object_id.clone(),
            state: row.state.clone(),
            state_since: row.state_since.as_micros(),
            absent_by: row.desired.absent_by().map(|by| by.as_str().to_owned()),
            priority: row.priority.get(),
            generation: row.generation,
            synced_generation: row.synced_generation,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            run_at: micros(row.run_at),
            lease: row.lease.as_ref().map(LeaseLine::new),
            version: row.version,
            hash: row.hash.to_string(),
            metadata: row.metadata.as_stored().map(str::to_owned),
            trace: row.trace.as_ref().map(|trace| trace.as_str().to_owned()),
            error_count: row.error_count,
            external_created_at: micros(row.external_created_at),
            created_at: row.created_at.as_micros(),
            updated_at: row.updated_at.as_micros(),
            attempted_at: micros(row.attempted_at),
            synced_at: micros(row.synced_at),
            deleted_at: micros(row.deleted_at),
            deleted_by: row.deleted_by.map(|by| by.as_str().to_owned()),
            paused: row.paused,
            object: detail.object.clone(),
            tags: detail.tags.as_slice().to_vec(),
            errors: detail.errors.iter().map(ErrorLine::new).collect(),
        })
    }

    /// The resource, or what is wrong with the line.
    pub(super) fn into_resource(self) -> Result<Resource, String> {
        let hash = hash(&self.hash).ok_or_else(|| format!("expected a hash of 64 digits, found {:?}", self.hash))?;
        let of_object = ObjectHash::of(&self.object);
        if hash != of_object {
            return Err(format!("expected the object's hash, {of_object}, found {hash}"));
        }
        let by = |text: &str| format!("expected who it was by, found {text:?}");
        let absent_by = self.absent_by.map(|text| AbsentBy::from_stored(&text).ok_or_else(|| by(&text))).transpose()?;
        let deleted_by = self.deleted_by.map(|text| DeletedBy::from_stored(&text).ok_or_else(|| by(&text)));
        if let State::Unknown(state) = &self.state {
            return Err(format!("expected a state that this program knows, found {state:?}"));
        }
        Tags::new(self.tags.iter().cloned()).map_err(|invalid| invalid.to_string())?;
        Ok(Resource {
            id: ResourceId::new(self.id),
            key: Key { namespace: self.namespace, kind: self.kind, object_id: self.object_id },
            state: self.state,
            state_since: Timestamp::from_micros(self.state_since),
            desired: absent_by.map_or(Desired::Present, Desired::Absent),
            priority: Priority::new(self.priority).map_err(|invalid| invalid.to_string())?,
            generation: self.generation,
            synced_generation: self.synced_generation,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            run_at: time(self.run_at),
            lease: self.lease.map(LeaseLine::into_lease),
            version: self.version,
            hash,
            metadata: metadata(self.metadata)?,
            trace: trace(self.trace)?,
            error_count: self.error_count,
            external_created_at: time(self.external_created_at),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            attempted_at: time(self.attempted_at),
            synced_at: time(self.synced_at),
            deleted_at: time(self.deleted_at),
            deleted_by: deleted_by.transpose()?,
            paused: self.paused,
            detail: Some(Detail {
                object: self.object,
                tags: Tags::from_stored(self.tags),
                errors: self.errors.into_iter().map(ErrorLine::into_error).collect(),
            }),
        })
    }
}

/// Checked, and then kept as it was written.
pub(super) fn metadata(text: Option<String>) -> Result<Metadata, String> {
    if let Some(text) = &text {
        Metadata::from_text(text).map_err(|invalid| invalid.to_string())?;
    }
    Ok(Metadata::from_stored(text))
}

pub(super) fn trace(text: Option<String>) -> Result<Option<Trace>, String> {
    text.map(Trace::new).transpose().map_err(|invalid| invalid.to_string())
}

impl LeaseLine {
    fn new(lease: &Lease) -> Self {
        Self {
            token: lease.token.get(),
            generation: lease.generation,
            attempt: lease.attempt,
            owner: lease.owner.get(),
            until: lease.until.as_micros(),
            cancel_requested: lease.cancel_requested,
        }
    }

    fn into_lease(self) -> Lease {
        Lease {
            token: LeaseToken::new(self.token),
            generation: self.generation,
            attempt: self.attempt,
            owner: Owner::new(self.owner),
            until: Timestamp::from_micros(self.until),
            cancel_requested: self.cancel_requested,
        }
    }
}

impl ErrorLine {
    fn new(error: &AttemptError) -> Self {
        Self {
            at: error.at.as_micros(),
            generation: error.generation,
            attempt: error.attempt,
            message: error.message.clone(),
            backtrace: error.backtrace.clone(),
        }
    }

    fn into_error(self) -> AttemptError {
        let Self { at, generation, attempt, message, backtrace } = self;
        AttemptError { at: Timestamp::from_micros(at), generation, attempt, message, backtrace }
    }
}
