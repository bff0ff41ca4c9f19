/// How many events are at or below `?1`, at most `?2`, the lowest first, and the last of them.
pub(crate) const OLDEST: &str = "\
SELECT count(*), max(o.position) FROM \
(SELECT e.position FROM {event} AS e WHERE e.position <= ?1 ORDER BY e.position LIMIT ?2) AS o";

/// Removes the events up to `?1`.
pub(crate) const REMOVE: &str = "DELETE FROM {event} WHERE position <= ?1";

/// The mark of a log; `?1` its cursor's name.
pub(crate) const MARK: &str = "SELECT position FROM {cursor} WHERE name = ?1";

/// Moves the mark. `?1` its cursor's name, `?2` the position.
pub(crate) const PUT_MARK: &str = "\
INSERT INTO {cursor} (name, position, version) VALUES (?1, ?2, 1) \
ON CONFLICT (name) DO UPDATE SET position = excluded.position, version = version + 1";
