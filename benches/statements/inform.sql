-- What is unchanged is only read; what is new or differs is written, and due.
WITH given AS MATERIALIZED (
    SELECT 'item-' || (:base::bigint + g.number) AS key, g.hash, g.object
    FROM unnest(:hashes::bytea[], :objects::text[]) WITH ORDINALITY AS g (hash, object, number)
), differing AS MATERIALIZED (
    SELECT g.*
    FROM given g LEFT JOIN resource r ON r.namespace = 1 AND r.kind = 1 AND r.key = g.key COLLATE "C"
    WHERE r.hash IS DISTINCT FROM g.hash
), written AS (
    INSERT INTO resource (version, run_at, namespace, kind, state, hash, key)
    SELECT 1, now(), 1, 1, 1, hash, key FROM differing ORDER BY key COLLATE "C"
    ON CONFLICT (namespace, kind, key)
        DO UPDATE SET version = resource.version + 1, run_at = now(), state = 1, hash = excluded.hash
    RETURNING id, version, key
), kept AS (
    INSERT INTO object (id, object)
    SELECT w.id, d.object FROM written w JOIN differing d ON d.key = w.key
    ON CONFLICT (id) DO UPDATE SET object = excluded.object
), appended AS (
    INSERT INTO event (resource_id, version, at, namespace, kind, event_kind, state, key)
    SELECT id, version, now(), 1, 1, 1, 1, key FROM written
)
SELECT key, id FROM written;
