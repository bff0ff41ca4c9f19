use delta_core::{AbsentBy, AttemptError, DeletedBy, Detail, Event, EventDraft, Lease, Metadata, Resource, Result};
use delta_core::{Scope, Timestamp, Trace};

use super::names::Known;
use super::query::Value;
use super::rows::corrupt;

/// The ids of the namespace and the kind of a resource.
pub(super) fn lane_ids(row: &Resource, known: &Known) -> Result<(i64, i64)> {
    let ids = known.namespaces.id(&row.key.namespace).zip(known.kinds.id(&row.key.kind));
    ids.ok_or_else(|| corrupt("commit", format!("expected the kind and namespace of {} to exist", row.key)))
}

/// A resource in the columns of `HEAD`.
pub(super) fn head<'q>(row: &'q Resource, known: &Known) -> Result<Vec<Value<'q>>> {
    let (namespace, kind) = lane_ids(row, known)?;
    let lease = row.lease.as_ref();
    let part = |part: fn(&Lease) -> i64| lease.map(part);
    Ok(vec![
        row.id.get().into(),
        namespace.into(),
        kind.into(),
        row.key.object_id.as_str().as_bytes().into(),
        row.state.as_str().into(),
        row.state_since.into(),
        row.desired.absent_by().map(AbsentBy::as_str).into(),
        i64::from(row.priority.get()).into(),
        row.generation.into(),
        row.synced_generation.into(),
        row.attempt.into(),
        row.max_attempts.into(),
        row.run_at.into(),
        part(|lease| lease.token.get()).into(),
        part(|lease| lease.generation).into(),
        part(|lease| lease.attempt).into(),
        part(|lease| lease.owner.get()).into(),
        part(|lease| lease.until.as_micros()).into(),
        lease.is_some_and(|lease| lease.cancel_requested).into(),
        row.version.into(),
        row.hash.as_bytes()[..].into(),
        Metadata::as_stored(&row.metadata).into(),
        row.trace.as_ref().map(Trace::as_str).into(),
        row.error_count.into(),
        row.external_created_at.into(),
        row.created_at.into(),
        row.updated_at.into(),
        row.attempted_at.into(),
        row.synced_at.into(),
        row.deleted_at.into(),
        row.deleted_by.map(DeletedBy::as_str).into(),
        row.paused.into(),
    ])
}

/// A detail in the columns of `DETAILS`.
pub(super) fn detail(id: i64, detail: &Detail) -> Vec<Value<'_>> {
    let tags = detail.tags.as_slice();
    let tags = (!tags.is_empty()).then(|| serde_json::Value::from(tags).to_string());
    vec![id.into(), (&*detail.object).into(), tags.into()]
}

/// An error in the columns of `ERROR`.
pub(super) fn error(id: i64, number: i64, error: &AttemptError) -> Vec<Value<'_>> {
    vec![
        id.into(),
        number.into(),
        error.at.into(),
        error.generation.into(),
        error.attempt.into(),
        error.message.as_str().into(),
        error.backtrace.as_deref().into(),
    ]
}

/// An event about a resource in the columns of `EVENT`.
pub(super) fn event<'q>(
    draft: &EventDraft,
    row: &'q Resource,
    object: Option<&'q str>,
    at: Timestamp,
    known: &Known,
) -> Result<Vec<Value<'q>>> {
    let (namespace, kind) = lane_ids(row, known)?;
    Ok(vec![
        draft.kind.as_str().into(),
        draft.kind.reason().map(delta_core::Reason::as_str).into(),
        row.id.get().into(),
        namespace.into(),
        kind.into(),
        row.key.object_id.as_str().as_bytes().into(),
        row.state.as_str().into(),
        draft.generation.unwrap_or(row.generation).into(),
        draft.attempt.unwrap_or(row.attempt).into(),
        at.into(),
        row.metadata.as_stored().into(),
        row.trace.as_ref().map(Trace::as_str).into(),
        object.into(),
    ])
}

/// An event about a kind or a namespace, by its id, in the columns of `EVENT`.
pub(super) fn scope_event(event: &Event, scope: &Scope, id: i64) -> Vec<Value<'static>> {
    let (namespace, kind) = match scope {
        Scope::Namespace(_) => (Some(id), None),
        Scope::Kind(_) => (None, Some(id)),
    };
    let none = || Value::Text(None);
    vec![
        event.kind.as_str().into(),
        none(),
        Value::Int(None),
        namespace.into(),
        kind.into(),
        Value::Bytes(None),
        none(),
        Value::Int(None),
        Value::Int(None),
        event.at.into(),
        none(),
        none(),
        none(),
    ]
}
