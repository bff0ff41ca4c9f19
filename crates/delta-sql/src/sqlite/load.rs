/// What is read of a resource, in the order that a store decodes; `r`, `n` and `k` are its row, namespace and kind.
pub(crate) const HEAD: &str = "\
r.id, n.name, k.name, r.object_id, r.state, r.state_since, r.absent_by, r.priority, r.generation, r.synced_generation, \
r.attempt, r.max_attempts, r.run_at, r.lease_token, r.lease_generation, r.lease_attempt, r.lease_owner, r.lease_until, \
r.cancel_requested, r.version, r.hash, r.metadata, r.trace, r.error_count, r.external_created_at, r.created_at, \
r.updated_at, r.attempted_at, r.synced_at, r.deleted_at, r.deleted_by, r.paused";

/// What follows [`HEAD`] in a full load; `d` is the detail.
pub(crate) const DETAIL: &str = "\
d.object, d.tags, CASE WHEN r.error_count > 0 THEN \
(SELECT json_group_array(json_array(e.at, e.generation, e.attempt, e.message, e.backtrace) ORDER BY e.number) \
FROM {error} AS e WHERE e.resource_id = r.id) END";

/// Joins a resource to its names.
pub(crate) const NAMES: &str =
    "CROSS JOIN {namespace} AS n ON n.id = r.namespace_id CROSS JOIN {kind} AS k ON k.id = r.kind_id";

/// Joins a resource to its detail. A missing detail is found out, not passed over.
pub(crate) const WITH_DETAIL: &str = "LEFT JOIN {detail} AS d ON d.resource_id = r.id";

/// `?1` ids.
const IDS: &str = "jsonb_each(?1) AS q CROSS JOIN {resource} AS r ON r.id = q.value";

/// `?1` keys: namespace, kind, object id.
const KEYS: &str = "\
jsonb_each(?1) AS q CROSS JOIN {namespace} AS kn ON kn.name = q.value ->> 0 \
CROSS JOIN {kind} AS kk ON kk.name = q.value ->> 1 \
CROSS JOIN {resource} AS r ON r.namespace_id = kn.id AND r.kind_id = kk.id AND r.object_id = q.value ->> 2";

pub(crate) fn head_by_ids() -> String {
    format!("SELECT {HEAD} FROM {IDS} {NAMES}")
}

pub(crate) fn full_by_ids() -> String {
    format!("SELECT {HEAD}, {DETAIL} FROM {IDS} {NAMES} {WITH_DETAIL}")
}

pub(crate) fn head_by_keys() -> String {
    format!("SELECT {HEAD} FROM {KEYS} {NAMES}")
}

pub(crate) fn full_by_keys() -> String {
    format!("SELECT {HEAD}, {DETAIL} FROM {KEYS} {NAMES} {WITH_DETAIL}")
}

/// Takes the write lock of the database and writes nothing.
pub(crate) const LOCK: &str = "DELETE FROM {cursor} WHERE 0";
