use super::due::NAMES;

/// Lanes that have something to claim: `$1` to `$4` choose names, `$5` now.
///
/// Steps from lane to lane through the index of claims, and then looks for one due row in each: what it costs grows with
/// the number of lanes, not of resources.
pub(crate) fn lanes() -> String {
    let names = NAMES;
    format!(
        "\
WITH RECURSIVE lane AS (
    (
        SELECT r.namespace_id, r.kind_id FROM {{schema}}.resource r WHERE {{claimable}}
        ORDER BY r.namespace_id, r.kind_id LIMIT 1
    )
    UNION ALL
    SELECT next.namespace_id, next.kind_id FROM lane l CROSS JOIN LATERAL (
        SELECT r.namespace_id, r.kind_id FROM {{schema}}.resource r
        WHERE {{claimable}} AND (r.namespace_id, r.kind_id) > (l.namespace_id, l.kind_id)
        ORDER BY r.namespace_id, r.kind_id LIMIT 1
    ) next
)
SELECT n.name, k.name
FROM lane r
JOIN {{schema}}.namespace n ON n.id = r.namespace_id AND NOT n.paused
JOIN {{schema}}.kind k ON k.id = r.kind_id AND NOT k.paused
WHERE {names} AND EXISTS (
    SELECT FROM (VALUES (1::smallint), (2::smallint), (3::smallint), (4::smallint)) AS v (priority)
    CROSS JOIN LATERAL (
        SELECT FROM {{schema}}.resource d
        WHERE d.namespace_id = r.namespace_id AND d.kind_id = r.kind_id AND d.priority = v.priority
            AND d.run_at <= $5 AND d.state IN ('scheduled', 'failed', 'expired') AND NOT d.paused
        LIMIT 1
    ) due
)"
    )
}
