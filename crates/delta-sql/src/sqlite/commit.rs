/// What fences look at. `?1` ids.
pub(crate) const FENCES: &str = "\
SELECT r.id, r.version, r.state, r.generation, r.run_at, r.lease_token, r.lease_generation, r.lease_until, \
r.cancel_requested, r.error_count \
FROM jsonb_each(?1) AS q CROSS JOIN {resource} AS r ON r.id = q.value";

/// Which keys exist, by their number, and which of their names. `?1` keys: namespace, kind, object id, number.
pub(crate) const KEY_FENCES: &str = "\
SELECT q.value ->> 3, n.id IS NOT NULL AND k.id IS NOT NULL, r.id IS NOT NULL \
FROM jsonb_each(?1) AS q \
LEFT JOIN {namespace} AS n ON n.name = q.value ->> 0 \
LEFT JOIN {kind} AS k ON k.name = q.value ->> 1 \
LEFT JOIN {resource} AS r ON r.namespace_id = n.id AND r.kind_id = k.id AND r.object_id = q.value ->> 2";

/// Which versions cursors have. `?1` names.
pub(crate) const CURSOR_FENCES: &str =
    "SELECT name, version FROM {cursor} WHERE name IN (SELECT value FROM json_each(?1))";

/// Appends events about resources as they are now. `?1` events: resource, kind, reason, generation, attempt, whether
/// with the object; `?2` now.
pub(crate) const APPEND: &str = "\
INSERT INTO {event} (event_kind, reason, resource_id, namespace_id, kind_id, object_id, state, generation, attempt, at, \
metadata, trace, object) \
SELECT q.value ->> 1, q.value ->> 2, r.id, r.namespace_id, r.kind_id, r.object_id, r.state, \
coalesce(q.value ->> 3, r.generation), coalesce(q.value ->> 4, r.attempt), ?2, r.metadata, r.trace, \
CASE WHEN q.value ->> 5 THEN (SELECT d.object FROM {detail} AS d WHERE d.resource_id = r.id) END \
FROM jsonb_each(?1) AS q CROSS JOIN {resource} AS r ON r.id = q.value ->> 0 ORDER BY q.key";

/// The lanes among some resources that somebody may claim. `?1` ids.
pub(crate) const CLAIMABLE_LANES: &str = "\
SELECT DISTINCT n.name, k.name FROM jsonb_each(?1) AS q CROSS JOIN {resource} AS r ON r.id = q.value \
CROSS JOIN {namespace} AS n ON n.id = r.namespace_id CROSS JOIN {kind} AS k ON k.id = r.kind_id \
WHERE r.state IN ('scheduled', 'failed', 'expired') AND r.paused = 0";
