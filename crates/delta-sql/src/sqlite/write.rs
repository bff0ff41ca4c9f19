/// `?1` updates: id, and what is to be written in the order of the statement.
pub(crate) const UPDATE: &str = "\
UPDATE {resource} AS r SET state = q.value ->> 1, state_since = q.value ->> 2, absent_by = q.value ->> 3, \
priority = q.value ->> 4, generation = q.value ->> 5, synced_generation = q.value ->> 6, attempt = q.value ->> 7, \
max_attempts = q.value ->> 8, run_at = q.value ->> 9, version = r.version + 1, \
hash = coalesce(unhex(q.value ->> 10), r.hash), metadata = q.value ->> 11, trace = q.value ->> 12, \
external_created_at = q.value ->> 13, created_at = q.value ->> 14, updated_at = q.value ->> 15, \
attempted_at = q.value ->> 16, synced_at = q.value ->> 17, deleted_at = q.value ->> 18, deleted_by = q.value ->> 19, \
paused = q.value ->> 20, cancel_requested = max(r.cancel_requested, q.value ->> 21), \
error_count = r.error_count + (q.value ->> 22) \
FROM jsonb_each(?1) AS q WHERE r.id = q.value ->> 0";

/// `?1` details: resource, object or null to keep it, whether tags are written, tags.
pub(crate) const UPDATE_DETAIL: &str = "\
UPDATE {detail} AS d SET object = coalesce(q.value ->> 1, d.object), \
tags = CASE WHEN q.value ->> 2 THEN q.value ->> 3 ELSE d.tags END \
FROM jsonb_each(?1) AS q WHERE d.resource_id = q.value ->> 0";

/// Ends attempts. `?1` settlements: id, state, attempt or null to keep it, run time, finished generation or null, deleted
/// by or null, how many errors; `?2` now.
pub(crate) const SETTLE: &str = "\
UPDATE {resource} AS r SET state = q.value ->> 1, state_since = ?2, updated_at = ?2, version = r.version + 1, \
attempt = coalesce(q.value ->> 2, r.attempt), run_at = q.value ->> 3, \
synced_generation = coalesce(q.value ->> 4, r.synced_generation), \
synced_at = CASE WHEN q.value ->> 4 IS NULL THEN r.synced_at ELSE ?2 END, \
deleted_by = coalesce(q.value ->> 5, r.deleted_by), \
deleted_at = CASE WHEN q.value ->> 5 IS NULL THEN r.deleted_at ELSE ?2 END, \
error_count = r.error_count + (q.value ->> 6), \
lease_token = NULL, lease_generation = NULL, lease_attempt = NULL, lease_owner = NULL, lease_until = NULL, \
cancel_requested = 0 \
FROM jsonb_each(?1) AS q WHERE r.id = q.value ->> 0";

/// `?1` renewals: id, until.
pub(crate) const RENEW: &str = "\
UPDATE {resource} AS r SET lease_until = q.value ->> 1 FROM jsonb_each(?1) AS q WHERE r.id = q.value ->> 0";

/// `?1` ids. Before [`REMOVE`].
pub(crate) const REMOVE_ERRORS: &str = "DELETE FROM {error} WHERE resource_id IN (SELECT value FROM json_each(?1))";

/// `?1` ids. Before [`REMOVE`].
pub(crate) const REMOVE_DETAILS: &str = "DELETE FROM {detail} WHERE resource_id IN (SELECT value FROM json_each(?1))";

/// `?1` ids.
pub(crate) const REMOVE: &str = "DELETE FROM {resource} WHERE id IN (SELECT value FROM json_each(?1))";
