//! Groups of columns that recur, in the order in which they are read and written.

/// How many columns [`HEAD`] has.
pub(crate) const HEAD_COUNT: usize = 32;

/// The columns of a resource, but for those that the database works out: the narrow row.
pub(crate) const HEAD: [&str; HEAD_COUNT] = [
    "id",
    "namespace_id",
    "kind_id",
    "object_id",
    "state",
    "state_since",
    "absent_by",
    "priority",
    "generation",
    "synced_generation",
    "attempt",
    "max_attempts",
    "run_at",
    "lease_token",
    "lease_generation",
    "lease_attempt",
    "lease_owner",
    "lease_until",
    "lease_cancel",
    "version",
    "hash",
    "metadata",
    "trace",
    "error_count",
    "external_created_at",
    "created_at",
    "updated_at",
    "attempted_at",
    "synced_at",
    "deleted_at",
    "deleted_by",
    "paused",
];

/// How many of the first columns of [`HEAD`] never change: id and key.
pub(crate) const FIXED: usize = 4;

/// [`HEAD`] of a resource `r`.
pub(crate) fn head() -> String {
    HEAD.map(|column| format!("r.{column}")).join(", ")
}

/// The object, tags and errors of a resource, of its detail `d`.
///
/// Errors are a JSON array of arrays in no order: number, time, generation, attempt, and message and backtrace in
/// hexadecimal, for the servers do not agree on what JSON makes of every character.
pub(crate) const DETAIL: &str = "d.object, d.tags, (SELECT CAST(JSON_ARRAYAGG(JSON_ARRAY(e.number, e.at, e.generation, \
e.attempt, HEX(e.message), HEX(e.backtrace))) AS CHAR) FROM {attempt_error} e FORCE INDEX (PRIMARY) WHERE e.resource_id = d.resource_id)";

/// The columns of an event that are written.
pub(crate) const EVENT: [&str; 13] = [
    "event_kind",
    "reason",
    "resource_id",
    "namespace_id",
    "kind_id",
    "object_id",
    "state",
    "generation",
    "attempt",
    "at",
    "metadata",
    "trace",
    "object",
];

/// The columns of an error that are written.
pub(crate) const ERROR: [&str; 7] = ["resource_id", "number", "at", "generation", "attempt", "message", "backtrace"];

/// The columns of a detail.
pub(crate) const DETAILS: [&str; 3] = ["resource_id", "object", "tags"];

/// The columns of a cursor.
pub(crate) const CURSOR: [&str; 7] = ["name", "position", "holder", "lease_until", "next_at", "data", "version"];
