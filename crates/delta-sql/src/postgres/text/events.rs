use super::columns::EVENT;

/// Before the floor and the page, each in a statement of its own: the last position given out, whether this is a server in
/// recovery, and the isolation of the transaction.
pub(crate) const LOG_END: &str = "\
SELECT CASE WHEN NOT pg_is_in_recovery() THEN coalesce(pg_sequence_last_value('{schema}.event_position'::regclass), 0) END, \
current_setting('transaction_isolation')";

/// The locks of appenders.
const HELD: &str = "\
pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint >> 16 = {log_space} \
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// The lowest position that an open transaction may still append after.
pub(crate) const LOG_FLOOR: &str = "\
SELECT min(((l.classid::bigint & 65535) << 32) | l.objid::bigint) FROM {held}";

/// Events after `$1` up to `$2`, at most `$3`: `$4` kinds of event or null; `$5` only these namespaces, `$6` all but these,
/// `$7` only these kinds, `$8` all but these; `$9` of one resource, or null. What is about a kind as a whole is of no
/// namespace, so no choice of namespaces lets it pass, not even one that leaves none out; and the other way round.
pub(crate) fn events() -> String {
    let one = |column: &str, only: u32, except: u32| {
        format!(
            "(${only}::integer[] IS NULL OR e.{column} = ANY (${only})) \
             AND (${except}::integer[] IS NULL OR (e.{column} IS NOT NULL AND e.{column} <> ALL (${except})))"
        )
    };
    format!(
        "SELECT {EVENT} FROM {{schema}}.event e WHERE e.position > $1 AND e.position <= $2 \
         AND ($4::text[] IS NULL OR e.event_kind = ANY ($4)) AND {} AND {} \
         AND ($9::bigint IS NULL OR e.resource_id = $9) ORDER BY e.position LIMIT $3",
        one("namespace_id", 5, 6),
        one("kind_id", 7, 8)
    )
}

/// Who holds the log's readers back: the session, the age of its transaction in microseconds, its statement and what it
/// does; the oldest first. A transaction that was prepared for a second phase has no session.
pub(crate) const LOG_HOLDERS: &str = "\
SELECT coalesce(l.pid::text, 'prepared transaction ' || l.virtualtransaction), \
coalesce((extract(epoch FROM clock_timestamp() - a.xact_start) * 1000000)::bigint, 0), \
coalesce(a.query, ''), coalesce(a.state, 'prepared') \
FROM (SELECT DISTINCT l.pid, l.virtualtransaction FROM {held}) l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
ORDER BY a.xact_start NULLS FIRST";

pub(crate) fn held(text: &str) -> String {
    text.replace("{held}", HELD)
}
