use super::due::NAMES;

/// `$1` to `$4` choose names, `$5` states or null, `$6` a tag or null, `$7` how the object id begins or null, `$8` paused
/// or null.
fn filter() -> String {
    format!(
        "{NAMES} AND ($5::text[] IS NULL OR r.state = ANY ($5)) \
         AND ($6::text IS NULL OR EXISTS (SELECT FROM {{schema}}.resource_detail t WHERE t.id = r.id AND $6 = ANY (t.tags))) \
         AND ($7::text IS NULL OR starts_with(r.object_id, $7)) AND ($8::boolean IS NULL OR r.paused = $8)"
    )
}

/// `$9` the last id of the page before, `$10` at most so many.
pub(crate) fn list() -> String {
    let filter = filter();
    format!(
        "SELECT {{columns}} FROM {{schema}}.resource r {{joined}} WHERE r.id > $9 AND {filter} ORDER BY r.id LIMIT $10"
    )
}

/// Namespace, kind, state, how many, the earliest `run_at` and end of a lease.
pub(crate) fn count() -> String {
    let filter = filter();
    format!(
        "SELECT r.namespace_id, r.kind_id, r.state, count(*), min(r.run_at) FILTER (WHERE {{claimable}}), \
         min(r.lease_until) FROM {{schema}}.resource r WHERE {filter} GROUP BY r.namespace_id, r.kind_id, r.state"
    )
}
