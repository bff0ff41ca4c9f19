/// Renews leases: `$1` numbers, `$2` ids, `$3` tokens, `$4` new ends. Returns whether the attempt is to be ended.
pub(crate) const RENEW: &str = "\
WITH target AS MATERIALIZED (
    SELECT r.id, i.number, i.until
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS i (number, id, token, until)
    JOIN {schema}.resource r ON r.id = i.id
    WHERE r.lease_token = i.token
    ORDER BY r.id
    FOR UPDATE OF r {skip}
), renewed AS (
    UPDATE {schema}.resource r SET lease_until = t.until FROM target t WHERE r.id = t.id
    RETURNING t.number, r.lease_cancel
)
SELECT 0, array_agg(n.number), NULL::bigint[], array_agg(n.lease_cancel), {no_event} FROM renewed n";

/// Locks rows until the transaction ends, in the order of their ids (`$1`), and says their versions.
pub(crate) const LOCK: &str = "\
SELECT r.id, r.version FROM {schema}.resource r WHERE r.id = ANY ($1::bigint[]) ORDER BY r.id FOR UPDATE {skip}";

/// Which fences hold, read without a lock: `$1` numbers, `$2` ids, `$3` versions, `$4` tokens, `$5` when the lease must be
/// over. What holds now and was not written was locked by somebody; what does not hold now never will again.
pub(crate) const RECHECK: &str = "\
SELECT i.number
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
    AS i (number, id, version, token, over_at)
JOIN {schema}.resource r ON r.id = i.id
WHERE (i.version IS NULL OR r.version = i.version) AND (i.token IS NULL OR r.lease_token = i.token)
    AND (i.over_at IS NULL OR r.lease_until <= i.over_at)";

/// Stores errors under their own numbers: `$1` ids, `$2` numbers, `$3` times, `$4` generations, `$5` attempts, `$6`
/// messages, `$7` backtraces.
pub(crate) const RECORD: &str = "\
INSERT INTO {schema}.attempt_error (resource_id, number, at, generation, attempt, message, backtrace)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])";

/// Appends events about rows as they are now, in the order given: `$1` now, `$2` whether they are returned, `$3` ids, `$4`
/// kinds, `$5` reasons, `$6` generations, `$7` attempts, `$8` whether with the object.
pub(crate) const APPEND: &str = "\
WITH appended AS (
    INSERT INTO {schema}.event ({event_target})
    SELECT d.event_kind, d.reason, r.id, r.namespace_id, r.kind_id, r.object_id, r.state,
        coalesce(d.generation, r.generation), coalesce(d.attempt, r.attempt), $1, r.metadata, r.trace,
        CASE WHEN d.with_object THEN (SELECT x.object FROM {schema}.resource_detail x WHERE x.id = r.id) END
    FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::boolean[])
        WITH ORDINALITY AS d (id, event_kind, reason, generation, attempt, with_object, number)
    JOIN {schema}.resource r ON r.id = d.id
    ORDER BY d.number
    RETURNING *
)
SELECT 1, NULL::bigint[], NULL::bigint[], NULL::boolean[], {event} FROM appended e WHERE $2";

/// Removes rows (`$1` ids) and what hangs on them.
pub(crate) const REMOVE: &str = "\
WITH resource AS (DELETE FROM {schema}.resource WHERE id = ANY ($1::bigint[])),
detail AS (DELETE FROM {schema}.resource_detail WHERE id = ANY ($1::bigint[]))
DELETE FROM {schema}.attempt_error WHERE resource_id = ANY ($1::bigint[])";

/// Notifies a channel (`$2`) of the lanes of what is claimable among some rows (`$1` ids). A payload holds at most 50
/// lanes, and stays far below the 8,000 bytes that Postgres allows.
pub(crate) const NOTIFY_CLAIMABLE: &str = "\
SELECT pg_notify($2, string_agg(p.lane, E'\\n'))
FROM (
    SELECT n.name || '/' || k.name AS lane, (row_number() OVER () - 1) / 50 AS page
    FROM (
        SELECT DISTINCT r.namespace_id, r.kind_id FROM {schema}.resource r
        WHERE r.id = ANY ($1::bigint[]) AND {claimable}
    ) l
    JOIN {schema}.namespace n ON n.id = l.namespace_id
    JOIN {schema}.kind k ON k.id = l.kind_id
) p
GROUP BY p.page";

/// Notifies a channel (`$1`) with payloads (`$2`).
pub(crate) const NOTIFY: &str = "SELECT pg_notify($1, p.payload) FROM unnest($2::text[]) AS p (payload)";
