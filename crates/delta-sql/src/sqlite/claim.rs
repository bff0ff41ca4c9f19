use std::fmt::Write;

/// The ids that a claim may take, as a JSON array per lane. `?1` lanes: namespace, kind, number; `?2` now; `?3` at most so many
/// per lane.
///
/// Each priority is a range of the index of its own, and the ranges are merged: what is not yet due is never walked.
pub(crate) fn pick() -> String {
    let mut ranges = String::new();
    for priority in 1..=4 {
        let join = if priority == 1 { "" } else { " UNION ALL " };
        let _ = write!(
            ranges,
            "{join}SELECT r.priority AS p, r.run_at AS t, r.id AS id FROM {{resource}} AS r WHERE r.namespace_id = n.id \
             AND r.kind_id = k.id AND r.priority = {priority} AND r.run_at <= ?2 \
             AND r.state IN ('scheduled', 'failed', 'expired') AND r.paused = 0"
        );
    }
    format!(
        "SELECT q.value ->> 2, (SELECT json_group_array(c.id ORDER BY c.p, c.t, c.id) FROM \
         ({ranges} ORDER BY 1, 2, 3 LIMIT ?3) AS c) \
         FROM jsonb_each(?1) AS q CROSS JOIN {{namespace}} AS n ON n.name = q.value ->> 0 AND n.paused = 0 \
         CROSS JOIN {{kind}} AS k ON k.name = q.value ->> 1 AND k.paused = 0"
    )
}

/// Gives leases. `?1` claims: id, token; `?2` now, `?3` owner, `?4` until.
pub(crate) const TAKE: &str = "\
UPDATE {resource} AS r SET state = 'pending', state_since = ?2, attempted_at = ?2, updated_at = ?2, \
attempt = r.attempt + 1, version = r.version + 1, run_at = NULL, lease_token = q.value ->> 1, \
lease_generation = r.generation, lease_attempt = r.attempt + 1, lease_owner = ?3, lease_until = ?4 \
FROM jsonb_each(?1) AS q WHERE r.id = q.value ->> 0";
