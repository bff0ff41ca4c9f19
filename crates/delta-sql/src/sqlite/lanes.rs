use crate::sqlite::due::{KINDS, NAMESPACES};

/// The lanes that have something to claim. `?1` now; `?2` to `?5` names as in a due query.
///
/// It leaps from the first resource of one lane in the index to the first of the next, so it costs a few steps per lane
/// and not per resource. The `+` takes the affinity away from what is compared, without which SQLite would use the
/// first of the two columns only.
pub(crate) fn lanes() -> String {
    const CLAIMABLE: &str = "state IN ('scheduled', 'failed', 'expired') AND paused = 0";
    format!(
        "WITH RECURSIVE lane (id) AS (\
         SELECT (SELECT id FROM {{resource}} WHERE {CLAIMABLE} ORDER BY namespace_id, kind_id LIMIT 1) \
         UNION ALL \
         SELECT (SELECT r.id FROM {{resource}} AS r WHERE r.state IN ('scheduled', 'failed', 'expired') AND r.paused = 0 \
         AND (r.namespace_id, r.kind_id) > (+c.namespace_id, +c.kind_id) ORDER BY r.namespace_id, r.kind_id LIMIT 1) \
         FROM lane CROSS JOIN {{resource}} AS c ON c.id = lane.id) \
         SELECT n.name, k.name FROM lane CROSS JOIN {{resource}} AS r ON r.id = lane.id \
         CROSS JOIN {{namespace}} AS n ON n.id = r.namespace_id CROSS JOIN {{kind}} AS k ON k.id = r.kind_id \
         WHERE n.paused = 0 AND k.paused = 0 AND {NAMESPACES} AND {KINDS} AND EXISTS (\
         SELECT 1 FROM {{resource}} AS x WHERE x.namespace_id = r.namespace_id AND x.kind_id = r.kind_id \
         AND x.priority IN (1, 2, 3, 4) AND x.run_at <= ?1 \
         AND x.state IN ('scheduled', 'failed', 'expired') AND x.paused = 0)"
    )
}
