use super::columns::EVENT;
use super::write::insert;
use crate::mysql::multi::Multi;

/// Makes MySQL look for itself: by default it remembers for a day what it says of tables. MariaDB always looks.
pub(crate) const LOOK: &str = "SET @delta_look = 0 /*!80000 , SESSION information_schema_stats_expiry = 0 */";

/// The last id and the last position given out.
pub(crate) const GIVEN_OUT: &str = "\
SELECT CAST(COALESCE(MAX(CASE WHEN t.TABLE_NAME = '{prefix}_detail' THEN t.AUTO_INCREMENT END), 1) AS SIGNED) - 1, \
CAST(COALESCE(MAX(CASE WHEN t.TABLE_NAME = '{prefix}_event' THEN t.AUTO_INCREMENT END), 1) AS SIGNED) - 1 \
FROM information_schema.TABLES t \
WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME IN ('{prefix}_detail', '{prefix}_event')";

/// Counts ids up to one as given out, by a row of it that goes at once: a counter is only ever raised. Parameter: the id.
pub(crate) const RAISE_ID: &str = "INSERT INTO {detail} (resource_id, object) VALUES (?, '')";

/// Counts positions up to one as given out, likewise. Parameter: the position.
pub(crate) const RAISE_POSITION: &str =
    "INSERT INTO {event} (position, event_kind, namespace_id, at) VALUES (?, 'object_paused', 0, 0)";

/// What there is that keeps an import from beginning, or null. Parameter: the cursor that is its own.
pub(crate) const FOREIGN: &str = "\
SELECT CASE WHEN EXISTS (SELECT 1 FROM {resource}) THEN 'resource' WHEN EXISTS (SELECT 1 FROM {event}) THEN 'event' \
WHEN EXISTS (SELECT 1 FROM {cursor} c WHERE c.name <> ?) THEN 'cursor' \
WHEN EXISTS (SELECT 1 FROM {kind}) OR EXISTS (SELECT 1 FROM {namespace}) THEN 'scope' END";

/// Stores kinds or namespaces over what is there.
pub(crate) fn scopes(table: &str) -> Multi {
    insert(table, &["name", "paused", "settings"], &["paused", "settings"])
}

/// Writes events with their positions.
pub(crate) fn events(table: &str) -> Multi {
    let columns: Vec<&str> = ["position"].into_iter().chain(EVENT).collect();
    insert(table, &columns, &[])
}
