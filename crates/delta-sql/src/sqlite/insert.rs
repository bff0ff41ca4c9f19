/// The last id given out. No parameter.
pub(crate) const LAST_ID: &str = "\
SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{prefix}_resource'), 0), \
coalesce((SELECT max(id) FROM {resource}), 0))";

/// `?1` names.
pub(crate) const NAMESPACES: &str =
    "INSERT INTO {namespace} (name) SELECT value FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";

/// `?1` names.
pub(crate) const KINDS: &str =
    "INSERT INTO {kind} (name) SELECT value FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";

/// `?1` rows: as the columns stand, with names for ids and the hash in hexadecimal digits; the version comes last.
pub(crate) const RESOURCES: &str = "\
INSERT INTO {resource} (id, namespace_id, kind_id, object_id, state, state_since, absent_by, priority, generation, \
synced_generation, attempt, max_attempts, run_at, lease_token, lease_generation, lease_attempt, lease_owner, \
lease_until, cancel_requested, version, hash, metadata, trace, error_count, external_created_at, created_at, \
updated_at, attempted_at, synced_at, deleted_at, deleted_by, paused) \
SELECT q.value ->> 0, (SELECT id FROM {namespace} WHERE name = q.value ->> 1), \
(SELECT id FROM {kind} WHERE name = q.value ->> 2), q.value ->> 3, q.value ->> 4, q.value ->> 5, q.value ->> 6, \
q.value ->> 7, q.value ->> 8, q.value ->> 9, q.value ->> 10, q.value ->> 11, q.value ->> 12, q.value ->> 13, \
q.value ->> 14, q.value ->> 15, q.value ->> 16, q.value ->> 17, q.value ->> 18, q.value ->> 31, unhex(q.value ->> 19), \
q.value ->> 20, q.value ->> 21, q.value ->> 22, q.value ->> 23, q.value ->> 24, q.value ->> 25, q.value ->> 26, \
q.value ->> 27, q.value ->> 28, q.value ->> 29, q.value ->> 30 \
FROM jsonb_each(?1) AS q";

/// `?1` details: resource, object, tags.
pub(crate) const DETAILS: &str = "\
INSERT INTO {detail} (resource_id, object, tags) SELECT q.value ->> 0, q.value ->> 1, q.value ->> 2 \
FROM jsonb_each(?1) AS q";

/// `?1` errors: resource, number, at, generation, attempt, message, backtrace.
pub(crate) const ERRORS: &str = "\
INSERT INTO {error} (resource_id, number, at, generation, attempt, message, backtrace) \
SELECT q.value ->> 0, q.value ->> 1, q.value ->> 2, q.value ->> 3, q.value ->> 4, q.value ->> 5, q.value ->> 6 \
FROM jsonb_each(?1) AS q";

/// Drops what is above the errors that are kept. `?1` resources: id, the lowest number that stays.
pub(crate) const PRUNE_ERRORS: &str = "\
DELETE FROM {error} WHERE (resource_id, number) IN (SELECT e.resource_id, e.number FROM jsonb_each(?1) AS q \
CROSS JOIN {error} AS e ON e.resource_id = q.value ->> 0 AND e.number < q.value ->> 1)";
