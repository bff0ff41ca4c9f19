use super::columns::EVENT;

/// For each open epoch, the oldest first: whether the server only reads, the last position that is committed, the epoch's
/// id, its floor, and since when it is open.
pub(crate) const STATE: &str = "\
SELECT @@GLOBAL.read_only, (SELECT MAX(e.position) FROM {event} e), p.id, p.floor, p.opened_at \
FROM {log_epoch} p WHERE p.closed = 0 ORDER BY p.id";

/// Takes a share of the current epoch until the transaction ends, and says whether it is closed by now.
pub(crate) const HOLD: &str = "\
SELECT p.closed FROM {log_epoch} p WHERE p.id = (SELECT MAX(c.id) FROM {log_epoch} c) LOCK IN SHARE MODE";

/// The last position that is committed, if nobody has a share of an epoch. Parameter: its id.
pub(crate) const QUIET: &str = "\
SELECT (SELECT MAX(e.position) FROM {event} e) FROM {log_epoch} p WHERE p.id = ? FOR UPDATE SKIP LOCKED";

/// The current epoch.
pub(crate) const CURRENT: &str = "SELECT MAX(p.id) FROM {log_epoch} p";

/// Opens an epoch above all that is committed. Parameter: its id.
pub(crate) const OPEN: &str = "\
INSERT INTO {log_epoch} (id, floor, closed, opened_at) \
SELECT ?, COALESCE(MAX(e.position), 0), 0, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) FROM {event} e";

/// Locks an epoch that nobody has a share of. Parameter: its id.
pub(crate) const LOCK: &str = "SELECT p.id FROM {log_epoch} p WHERE p.id = ? FOR UPDATE SKIP LOCKED";

/// Closes an epoch. Parameter: its id.
pub(crate) const CLOSE: &str = "UPDATE {log_epoch} SET closed = 1 WHERE id = ?";

/// Forgets closed epochs below an id.
pub(crate) const FORGET: &str = "DELETE FROM {log_epoch} WHERE id < ? AND closed = 1";

/// The open epochs that nobody has a share of.
pub(crate) const FREE: &str = "SELECT p.id FROM {log_epoch} p WHERE p.closed = 0 FOR UPDATE SKIP LOCKED";

/// Events. Parameters: after which position, up to which; kinds of event as a list or NULL, twice; the names as in
/// [`names`](super::due::names); a resource or NULL, twice; at most so many.
///
/// What is about a kind as a whole is of no namespace, so no choice of namespaces lets it pass, not even one that leaves
/// none out; and the other way round.
pub(crate) fn page() -> String {
    let columns = EVENT.map(|column| format!("e.{column}")).join(", ");
    format!(
        "SELECT e.position, {columns} FROM {{event}} e WHERE e.position > ? AND e.position <= ? \
         AND (? IS NULL OR FIND_IN_SET(e.event_kind, ?) > 0) AND {} AND (? IS NULL OR e.resource_id = ?) \
         ORDER BY e.position LIMIT ?",
        super::due::names("e")
    )
}
