use crate::sqlite::load::{HEAD, NAMES};

/// Whether `r` is of the chosen namespaces. `?2` is 1 for these only, 0 for all but these, null for all; `?3` the names.
pub(crate) const NAMESPACES: &str = "\
(?2 IS NULL OR (r.namespace_id IN (SELECT id FROM {namespace} WHERE name IN (SELECT value FROM json_each(?3)))) = ?2)";

/// Whether `r` is of the chosen kinds. `?4` and `?5` as in [`NAMESPACES`].
pub(crate) const KINDS: &str = "\
(?4 IS NULL OR (r.kind_id IN (SELECT id FROM {kind} WHERE name IN (SELECT value FROM json_each(?5)))) = ?4)";

/// `?1` is the time or the id that `found` speaks of, `?2` to `?5` the names, `?6` the limit.
fn due(found: &str, order: &str) -> String {
    format!(
        "SELECT {HEAD} FROM {{resource}} AS r {NAMES} WHERE {found} AND {NAMESPACES} AND {KINDS} ORDER BY {order} LIMIT ?6"
    )
}

pub(crate) fn expiry() -> String {
    due("r.state = 'synced' AND r.synced_at <= ?1", "r.synced_at, r.id")
}

pub(crate) fn rescue() -> String {
    due("r.state = 'pending' AND r.lease_until <= ?1", "r.lease_until, r.id")
}

pub(crate) fn purge_synced() -> String {
    due("r.state = 'synced' AND r.state_since <= ?1", "r.state_since, r.id")
}

pub(crate) fn purge_deleted() -> String {
    due("r.state IN ('deleted', 'degraded') AND r.state = 'deleted' AND r.state_since <= ?1", "r.state_since, r.id")
}

pub(crate) fn purge_degraded() -> String {
    due(
        "r.state IN ('deleted', 'degraded') AND r.state = 'degraded' AND r.absent_by IS NULL AND r.state_since <= ?1",
        "r.state_since, r.id",
    )
}

pub(crate) fn missing() -> String {
    due("r.id > ?1", "r.id")
}
