/// Takes what the lanes have, under leases.
///
/// After as many parameters as come before: 1 now, 2 the owner, 3 the base of tokens, 4 the leases' end, and of the lanes
/// 5 namespaces, 6 kinds, 7 how many at most.
///
/// - Each lane and priority is a range of the index `resource_claim`, walked in its order and only as far as rows are
///   asked for: the outer `LIMIT` stops pulling, so what is not taken is not locked, and what is not due is not seen.
/// - A row that somebody has locked does not count. One that changed after the statement's snapshot is taken as it is now,
///   if it still fits: `FOR UPDATE` checks the conditions again on its new version.
/// - The ids pass through an array, whose length the planner never overestimates: the rows are updated by look-ups in the
///   primary key, however large it believes the lanes to be.
/// - A token wraps around, as [`LeaseToken::offset`](delta_core::LeaseToken::offset) does.
const CLAIM: &str = "\
lane AS MATERIALIZED (
    SELECT l.number, n.id AS namespace_id, k.id AS kind_id, l.take
    FROM unnest({p5}::text[], {p6}::text[], {p7}::bigint[]) WITH ORDINALITY AS l (namespace, kind, take, number)
    JOIN {schema}.namespace n ON n.name = l.namespace AND NOT n.paused
    JOIN {schema}.kind k ON k.name = l.kind AND NOT k.paused
    {after}
), picked AS MATERIALIZED (
    SELECT p.id, row_number() OVER (ORDER BY l.number, p.priority, p.run_at, p.id) AS number
    FROM lane l CROSS JOIN LATERAL (
        SELECT c.id, c.priority, c.run_at
        FROM (VALUES (1::smallint), (2::smallint), (3::smallint), (4::smallint)) AS v (priority)
        CROSS JOIN LATERAL (
            SELECT r.id, r.priority, r.run_at
            FROM {schema}.resource r
            WHERE r.namespace_id = l.namespace_id AND r.kind_id = l.kind_id AND r.priority = v.priority
                AND r.run_at <= {p1} AND {claimable}
            ORDER BY r.run_at, r.id
            LIMIT l.take
            FOR UPDATE SKIP LOCKED
        ) c
        LIMIT l.take
    ) p
), claimed AS (
    UPDATE {schema}.resource r SET
        state = 'pending', state_since = {p1}, attempted_at = {p1}, updated_at = {p1},
        attempt = r.attempt + 1, version = r.version + 1, run_at = NULL,
        lease_token = CASE
            WHEN {p3}::bigint > 9223372036854775807 - (p.number - 1)
            THEN (p.number - 2 - 9223372036854775807 + {p3}::bigint) + (-9223372036854775808)
            ELSE {p3}::bigint + (p.number - 1)
        END,
        lease_generation = r.generation, lease_attempt = r.attempt + 1, lease_owner = {p2}, lease_until = {p4}
    FROM unnest(ARRAY(SELECT id FROM picked ORDER BY number)) WITH ORDINALITY AS p (id, number)
    WHERE r.id = p.id
    RETURNING r.*
)";

/// The claimed resources, in a row that has room for the outcomes and events of settlements before them.
pub(crate) const ANSWER: &str = "
SELECT 2, NULL::bigint[], NULL::bigint[], NULL::boolean[], NULL::bigint, NULL::text, NULL::text,
    {subject}, {rest}, {locked_detail}
FROM claimed r {with_detail}";

/// What became of the settlements that travelled with the claim.
pub(crate) const SETTLED_ANSWER: &str = "
UNION ALL SELECT 0, array_agg(s.number), NULL, array_agg(s.moved), {no_claimed} FROM settled s
UNION ALL SELECT 1, NULL, NULL, NULL, e.position, e.event_kind, e.reason, {event_subject}, {no_rest}, e.object, NULL, NULL, NULL
FROM appended e WHERE $2";

pub(crate) fn with(parameters_before: usize) -> String {
    (1..=7).fold(CLAIM.to_owned(), |text, number| {
        text.replace(&format!("{{p{number}}}"), &format!("${}", parameters_before + number))
    })
}

/// Takes what the lanes have, and does nothing else.
pub(crate) fn claim() -> String {
    format!("WITH {}{ANSWER}", with(0).replace("{after}", ""))
}
