WITH settled AS (
    UPDATE resource SET state = 3, version = version + 1, lease_token = NULL, lease_until = NULL
    WHERE id = ANY (:ids::bigint[])
    RETURNING id, version, namespace, kind, key
), appended AS (
    INSERT INTO event (resource_id, version, at, namespace, kind, event_kind, state, key)
    SELECT id, version, now(), namespace, kind, 2, 3, key FROM settled
), claimed AS (
    UPDATE resource SET state = 2, version = version + 1, run_at = NULL,
        lease_token = :client_id, lease_until = now() + interval '1 minute'
    WHERE id = ANY (ARRAY(
        SELECT id FROM resource
        WHERE namespace = 1 AND kind = 1 AND state = 1 AND run_at <= now()
        ORDER BY run_at, id
        LIMIT :take
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING id, version, lease_token, lease_until, key, hash
)
SELECT c.id, c.version, c.lease_token, c.lease_until, c.key, c.hash, o.object, NULL::bigint[] AS ids
FROM claimed c JOIN object o ON o.id = c.id
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, coalesce(array_agg(id), '{}') FROM claimed
\aset
