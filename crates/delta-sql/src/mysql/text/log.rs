use super::columns::EVENT;
use super::rows;

/// The last position that was trimmed.
const TRIMMED: &str = "(SELECT t.position FROM {cursor} t WHERE t.name = 'trimmed/delta')";

/// For each mark, the lowest first: whether the server only reads, the last position that is committed, the mark's own
/// position, since when it is there, and the last position that was trimmed.
pub(crate) fn state() -> String {
    format!(
        "SELECT @@GLOBAL.read_only, (SELECT MAX(e.position) FROM {{event}} e), m.position, m.at, {TRIMMED} \
         FROM {{log_mark}} m ORDER BY m.position"
    )
}

/// Takes a share of the highest mark until the transaction ends. Answers nothing if the mark was gone by then.
pub(crate) const HOLD: &str = "\
SELECT m.position FROM {log_mark} m WHERE m.position = (SELECT MAX(h.position) FROM {log_mark} h) LOCK IN SHARE MODE";

/// The last position that is committed, if nobody has a share of a mark. Parameter: the mark.
pub(crate) const QUIET: &str = "\
SELECT (SELECT MAX(e.position) FROM {event} e) FROM {log_mark} m WHERE m.position = ? FOR UPDATE SKIP LOCKED";

/// The highest mark.
pub(crate) const CURRENT: &str = "SELECT MAX(m.position) FROM {log_mark} m";

/// Marks the last position that is committed.
pub(crate) const OPEN: &str = "\
INSERT INTO {log_mark} (position, at) \
SELECT COALESCE(MAX(e.position), 0), TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) FROM {event} e";

/// Marks a position. Parameter: the position.
pub(crate) const TURN: &str = "\
INSERT INTO {log_mark} (position, at) \
VALUES (?, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)))";

/// The marks below one that nobody has a share of, locked. Parameter: that one.
pub(crate) const FREE: &str = "\
SELECT m.position FROM {log_mark} m WHERE m.position < ? ORDER BY m.position FOR UPDATE SKIP LOCKED";

/// Removes marks. Parameter: their positions.
pub(crate) fn close() -> String {
    let ids = rows::ids();
    format!("DELETE m FROM {ids} STRAIGHT_JOIN {{log_mark}} m FORCE INDEX (PRIMARY) ON m.position = j.id")
}

/// Waits until nobody has a share of a mark. Parameter: the mark.
pub(crate) const WAIT: &str = "SELECT m.position FROM {log_mark} m WHERE m.position = ? FOR UPDATE";

/// Events, each with the last position that was trimmed. Parameters: after which position, up to which; kinds of event as a
/// list or NULL, twice; the names as in [`names`](super::due::names); a resource or NULL, twice; the beginning of the object
/// id or NULL, three times; whether any will do, or only those with metadata; at most so many.
///
/// What is about a kind as a whole is of no namespace, so no choice of namespaces lets it pass, not even one that leaves
/// none out; and the other way round.
pub(crate) fn page() -> String {
    let columns = EVENT.map(|column| format!("e.{column}")).join(", ");
    format!(
        "SELECT e.position, {columns}, {TRIMMED} FROM {{event}} e WHERE e.position > ? AND e.position <= ? \
         AND (? IS NULL OR FIND_IN_SET(e.event_kind, ?) > 0) AND {} AND (? IS NULL OR e.resource_id = ?) \
         AND (? IS NULL OR LEFT(e.object_id, LENGTH(?)) = ?) AND (? = 1 OR e.metadata IS NOT NULL) \
         ORDER BY e.position LIMIT ?",
        super::due::names("e")
    )
}
