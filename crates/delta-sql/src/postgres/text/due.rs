/// Whether `r` is of the chosen namespaces and kinds: `$1` only these namespaces, `$2` all but these, `$3` only these
/// kinds, `$4` all but these; each null where it chooses nothing.
pub(crate) const NAMES: &str = "\
($1::integer[] IS NULL OR r.namespace_id = ANY ($1)) AND ($2::integer[] IS NULL OR r.namespace_id <> ALL ($2)) \
AND ($3::integer[] IS NULL OR r.kind_id = ANY ($3)) AND ($4::integer[] IS NULL OR r.kind_id <> ALL ($4))";

/// `$1` to `$4` as [`NAMES`], `$5` at most so many, `$6` what `found` speaks of.
fn due(found: &str, order: &str) -> String {
    format!(
        "SELECT {{subject}}, {{rest}} FROM {{schema}}.resource r WHERE {found} AND {NAMES} ORDER BY {order} LIMIT $5"
    )
}

pub(crate) fn expiry() -> String {
    due("r.state = 'synced' AND r.synced_at <= $6", "r.synced_at, r.id")
}

pub(crate) fn rescue() -> String {
    due("r.state = 'pending' AND r.lease_until <= $6", "r.lease_until, r.id")
}

/// Purge of deleted or degraded ones, by their index; `$7` the state.
pub(crate) fn ended() -> String {
    due(
        "r.state IN ('deleted', 'degraded') AND r.state = $7 AND (r.state <> 'degraded' OR r.absent_by IS NULL) \
         AND r.state_since <= $6",
        "r.state_since, r.id",
    )
}

/// Purge of others, which is rare enough to do without an index; `$7` the state.
pub(crate) fn state() -> String {
    due("r.state = $7 AND r.state_since <= $6", "r.state_since, r.id")
}

pub(crate) fn missing() -> String {
    due("r.id > $6", "r.id")
}
