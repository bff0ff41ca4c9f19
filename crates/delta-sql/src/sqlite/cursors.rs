const CURSOR: &str = "SELECT name, position, holder, lease_until, next_at, data, version FROM {cursor}";

/// `?1` names.
pub(crate) fn by_names() -> String {
    format!("{CURSOR} WHERE name IN (SELECT value FROM json_each(?1)) ORDER BY name")
}

/// `?1` how the names begin.
pub(crate) fn by_prefix() -> String {
    format!("{CURSOR} WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name")
}

/// `?1` how the names begin, `?2` now, `?3` at most so many.
pub(crate) fn due() -> String {
    format!(
        "{CURSOR} WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 AND next_at <= ?2 \
         ORDER BY next_at, name LIMIT ?3"
    )
}

/// Stores cursors whose fences hold. `?1` cursors: name, position, holder, end of the lease, next time, data, new version.
pub(crate) const PUT: &str = "\
INSERT INTO {cursor} (name, position, holder, lease_until, next_at, data, version) \
SELECT q.value ->> 0, q.value ->> 1, q.value ->> 2, q.value ->> 3, q.value ->> 4, q.value ->> 5, q.value ->> 6 \
FROM jsonb_each(?1) AS q WHERE true \
ON CONFLICT (name) DO UPDATE SET position = excluded.position, holder = excluded.holder, \
lease_until = excluded.lease_until, next_at = excluded.next_at, data = excluded.data, version = excluded.version";

/// `?1` names.
pub(crate) const REMOVE: &str = "DELETE FROM {cursor} WHERE name IN (SELECT value FROM json_each(?1))";
