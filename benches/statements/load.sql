-- So many that are due, and so many that are synced.
WITH made AS (
    INSERT INTO resource (version, run_at, namespace, kind, state, hash, key)
    SELECT 1, CASE WHEN n <= {scheduled} THEN now() END, 1, 1, CASE WHEN n <= {scheduled} THEN 1 ELSE 3 END,
        sha256(('item-' || n)::bytea), 'item-' || n
    FROM generate_series(1, {scheduled} + {synced}) n
    RETURNING id, namespace, kind, state, version, key
), kept AS (
    INSERT INTO object (id, object) SELECT id, '{"id":"' || key || '","payload":"' || repeat('x', {bytes}) || '"}' FROM made
)
INSERT INTO event (resource_id, version, at, namespace, kind, event_kind, state, key)
SELECT id, version, now(), namespace, kind, 1, state, key FROM made
