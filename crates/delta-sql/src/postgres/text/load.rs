/// Resources by id: `$1`.
pub(crate) const IDS: &str = "\
SELECT {columns} FROM {schema}.resource r {joined} WHERE r.id = ANY ($1::bigint[]) ORDER BY r.id";

/// Resources by key, no key twice: `$1` namespaces, `$2` kinds, `$3` object ids.
pub(crate) const KEYS: &str = "\
SELECT {columns}
FROM unnest($1::integer[], $2::integer[], $3::text[]) AS q (namespace_id, kind_id, object_id)
JOIN {schema}.resource r
    ON r.namespace_id = q.namespace_id AND r.kind_id = q.kind_id AND r.object_id = q.object_id COLLATE \"C\" {joined}
ORDER BY r.id";

/// Locks resources by key, as [`KEYS`], in the order of their ids, and says those.
pub(crate) const LOCK_KEYS: &str = "\
SELECT r.id
FROM unnest($1::integer[], $2::integer[], $3::text[]) AS q (namespace_id, kind_id, object_id)
JOIN {schema}.resource r
    ON r.namespace_id = q.namespace_id AND r.kind_id = q.kind_id AND r.object_id = q.object_id COLLATE \"C\"
ORDER BY r.id
FOR UPDATE OF r";
