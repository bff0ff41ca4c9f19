use crate::sqlite::due::{KINDS, NAMESPACES};
use crate::sqlite::load::{DETAIL, HEAD, NAMES, WITH_DETAIL};

/// `?1` is for the statement; `?2` to `?5` names as in a due query, `?6` states or null, `?7` a tag or null, `?8` how the
/// object id begins or null, `?9` paused or null.
fn filter() -> String {
    format!(
        "{NAMESPACES} AND {KINDS} AND (?6 IS NULL OR r.state IN (SELECT value FROM json_each(?6))) \
         AND (?7 IS NULL OR EXISTS (SELECT 1 FROM {{detail}} AS t, json_each(t.tags) AS tag \
         WHERE t.resource_id = r.id AND tag.value = ?7)) \
         AND (?8 IS NULL OR substr(r.object_id, 1, length(?8)) = ?8) AND (?9 IS NULL OR r.paused = ?9)"
    )
}

/// `?1` the last id of the page before, `?10` at most so many.
pub(crate) fn list_head() -> String {
    let filter = filter();
    format!("SELECT {HEAD} FROM {{resource}} AS r {NAMES} WHERE r.id > ?1 AND {filter} ORDER BY r.id LIMIT ?10")
}

/// As [`list_head`].
pub(crate) fn list_full() -> String {
    let filter = filter();
    format!(
        "SELECT {HEAD}, {DETAIL} FROM {{resource}} AS r {NAMES} {WITH_DETAIL} \
         WHERE r.id > ?1 AND {filter} ORDER BY r.id LIMIT ?10"
    )
}

/// Counts by lane and state. `?1` is not used.
pub(crate) fn count() -> String {
    let filter = filter();
    format!(
        "SELECT n.name, k.name, c.state, c.count, c.run_at, c.lease_until FROM (\
         SELECT r.namespace_id, r.kind_id, r.state AS state, count(*) AS count, \
         min(CASE WHEN r.state IN ('scheduled', 'failed', 'expired') AND r.paused = 0 THEN r.run_at END) AS run_at, \
         min(CASE WHEN r.state = 'pending' THEN r.lease_until END) AS lease_until \
         FROM {{resource}} AS r WHERE {filter} GROUP BY r.namespace_id, r.kind_id, r.state) AS c \
         CROSS JOIN {{namespace}} AS n ON n.id = c.namespace_id CROSS JOIN {{kind}} AS k ON k.id = c.kind_id"
    )
}
