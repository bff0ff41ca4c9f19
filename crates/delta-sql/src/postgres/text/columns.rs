//! Groups of columns that recur in answers, in the order in which they are read.

/// Of a resource `r`: what an event says of it as well.
pub(crate) const SUBJECT: &str = "r.id, r.namespace_id, r.kind_id, r.object_id, r.state, r.state_since, r.generation, \
r.attempt, r.metadata, r.trace";

/// Of a resource `r`: the rest of the narrow row.
pub(crate) const REST: &str = "r.absent_by, r.priority, r.synced_generation, r.max_attempts, r.run_at, r.lease_token, \
r.lease_generation, r.lease_attempt, r.lease_owner, r.lease_until, r.lease_cancel, r.version, r.hash, r.error_count, \
r.external_created_at, r.created_at, r.updated_at, r.attempted_at, r.synced_at, r.deleted_at, r.deleted_by, r.paused";

/// Of a resource `r` and its detail `d`, after [`REST`]: the object, its hash, tags and errors.
///
/// Errors are a JSON array of arrays: time in microseconds, generation, attempt, message, backtrace.
pub(crate) const DETAIL: &str = "d.object, d.hash, d.tags, CASE WHEN r.error_count > 0 THEN (SELECT json_agg(json_build_array(\
(extract(epoch FROM e.at) * 1000000)::bigint, e.generation, e.attempt, e.message, e.backtrace) ORDER BY e.number)::text \
FROM {schema}.attempt_error e WHERE e.resource_id = r.id) END";

/// As [`DETAIL`], of a resource `r` that this statement has locked: read anew where what was joined is of another version
/// (see `fresh_object` in the schema). The hash is empty then.
pub(crate) const LOCKED_DETAIL: &str = "\
CASE WHEN d.hash = r.hash THEN d.object ELSE {schema}.fresh_object(r.id) END, \
CASE WHEN d.hash = r.hash THEN d.hash END, \
CASE WHEN d.hash = r.hash THEN d.tags ELSE {schema}.fresh_tags(r.id) END, \
CASE WHEN r.error_count > 0 THEN {schema}.fresh_errors(r.id) END";

/// Joins the detail `d` of a resource `r`.
pub(crate) const WITH_DETAIL: &str = "LEFT JOIN {schema}.resource_detail d ON d.id = r.id";

/// Of an event `e`: the columns of [`SUBJECT`], with the time of the event for the state's.
pub(crate) const EVENT_SUBJECT: &str = "e.resource_id, e.namespace_id, e.kind_id, e.object_id, e.state, e.at, \
e.generation, e.attempt, e.metadata, e.trace";

/// An event `e`: position, kind and reason, subject, object.
pub(crate) const EVENT: &str = "e.position, e.event_kind, e.reason, {event_subject}, e.object";

/// No event, in the columns of [`EVENT`].
pub(crate) const NO_EVENT: &str = "NULL::bigint, NULL::text, NULL::text, NULL::bigint, NULL::integer, NULL::integer, \
NULL::text, NULL::text, NULL::timestamptz, NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::text";

/// The columns of an event that are written.
pub(crate) const EVENT_TARGET: &str = "event_kind, reason, resource_id, namespace_id, kind_id, object_id, state, \
generation, attempt, at, metadata, trace, object";

/// In a union of answers: a row that says what became of changes. Their numbers, ids and flags follow.
pub(crate) const OUTCOMES: i32 = 0;
/// In a union of answers: a row that is an appended event.
pub(crate) const APPENDED: i32 = 1;
/// In a union of answers: a row that is a claimed resource.
pub(crate) const CLAIMED: i32 = 2;

/// A resource is claimable, as far as it alone says. Written as the index of claims has it.
pub(crate) const CLAIMABLE: &str = "r.state IN ('scheduled', 'failed', 'expired') AND NOT r.paused";
