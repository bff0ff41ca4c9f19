use crate::sqlite::{events, insert};

/// The last id and the last position given out. No parameter.
pub(crate) fn given_out() -> String {
    format!("SELECT ({}), ({})", insert::LAST_ID, events::HEAD)
}

/// What a database holds that keeps an import from beginning, or null. No parameter.
pub(crate) const FOREIGN: &str = "\
SELECT CASE WHEN EXISTS (SELECT 1 FROM {resource}) THEN 'resource' WHEN EXISTS (SELECT 1 FROM {event}) THEN 'event' \
WHEN EXISTS (SELECT 1 FROM {cursor}) THEN 'cursor' \
WHEN EXISTS (SELECT 1 FROM {kind}) OR EXISTS (SELECT 1 FROM {namespace}) THEN 'scope' END";

/// Counts ids up to `?1` and positions up to `?2` as given out, where SQLite has a count to raise.
pub(crate) const RAISE: &str = "\
UPDATE sqlite_sequence SET seq = max(seq, CASE name WHEN '{prefix}_resource' THEN ?1 ELSE ?2 END) \
WHERE name IN ('{prefix}_resource', '{prefix}_event')";

/// Begins the counts that [`RAISE`] did not find: SQLite has none of a table that never had a row. Parameters as there.
pub(crate) const BEGIN: &str = "\
INSERT INTO sqlite_sequence (name, seq) \
SELECT c.name, c.seq FROM (SELECT '{prefix}_resource' AS name, ?1 AS seq UNION ALL SELECT '{prefix}_event', ?2) AS c \
WHERE c.name NOT IN (SELECT name FROM sqlite_sequence)";

/// Writes events. `?1` events: position, kind, reason, resource, namespace, kind of object, object id, state,
/// generation, attempt, at, metadata, trace, object.
pub(crate) const EVENTS: &str = "\
INSERT INTO {event} (position, event_kind, reason, resource_id, namespace_id, kind_id, object_id, state, generation, \
attempt, at, metadata, trace, object) \
SELECT q.value ->> 0, q.value ->> 1, q.value ->> 2, q.value ->> 3, \
(SELECT id FROM {namespace} WHERE name = q.value ->> 4), (SELECT id FROM {kind} WHERE name = q.value ->> 5), \
q.value ->> 6, q.value ->> 7, q.value ->> 8, q.value ->> 9, q.value ->> 10, q.value ->> 11, q.value ->> 12, \
q.value ->> 13 FROM jsonb_each(?1) AS q";
