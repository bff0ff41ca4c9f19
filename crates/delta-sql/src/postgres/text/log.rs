//! What is asked of a log that is kept in order: Delta's own, or that of an application's table.

use std::sync::Arc;

/// How far a log may be read: the two statements before the page, and who holds readers back.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The last position given out, null on a server in recovery; the isolation of the transaction; whether the log has
    /// what keeps its readers in order.
    pub end: Arc<str>,
    /// The last committed position up to the lower of `$1` and the lowest that an open transaction may still append after;
    /// the last committed one of all, 0 for none;
    /// and the mark.
    pub floor: Arc<str>,
    /// Who holds readers back: the session, the age of its transaction in microseconds, its statement and what it does;
    /// the oldest first.
    pub holders: Arc<str>,
}

impl Bounds {
    /// Those of a log: the expressions of its last position, its space of locks and its order, its table with the column of
    /// positions, and the expression of its mark.
    pub(crate) fn new(
        [last, space, kept]: [&str; 3],
        (table, position): (&str, &str),
        mark: &str,
        render: impl Fn(&str) -> Arc<str>,
    ) -> Self {
        let held = held(space);
        Self {
            end: render(&format!(
                "SELECT CASE WHEN NOT pg_is_in_recovery() THEN coalesce({last}, 0) END, \
                 current_setting('transaction_isolation'), {kept}"
            )),
            floor: render(&format!(
                "WITH held AS (SELECT min(((l.classid::bigint & 65535) << 32) | l.objid::bigint) AS floor FROM {held}) \
                 SELECT coalesce((SELECT max(e.{position}) FROM {table} e \
                 WHERE e.{position} <= least($1, (SELECT h.floor FROM held h))), 0)::bigint, \
                 coalesce((SELECT max(e.{position}) FROM {table} e), 0)::bigint, {mark}"
            )),
            holders: render(&holders(&format!("SELECT DISTINCT l.pid, l.virtualtransaction FROM {held}"))),
        }
    }
}

/// The locks of appenders.
fn held(space: &str) -> String {
    format!(
        "pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint >> 16 = {space} \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
}

/// Names transactions. One that was prepared for a second phase has no session.
pub(crate) fn holders(locks: &str) -> String {
    format!(
        "SELECT coalesce(l.pid::text, 'prepared transaction ' || l.virtualtransaction), \
         coalesce((extract(epoch FROM clock_timestamp() - a.xact_start) * 1000000)::bigint, 0), \
         coalesce(a.query, ''), coalesce(a.state, CASE WHEN l.pid IS NULL THEN 'prepared' ELSE '' END) \
         FROM ({locks}) l LEFT JOIN pg_stat_activity a ON a.pid = l.pid ORDER BY a.xact_start NULLS FIRST"
    )
}

/// The mark of a log that was trimmed, or null.
pub(crate) fn mark(name: &str) -> String {
    format!("(SELECT c.position FROM {{schema}}.cursor c WHERE c.name = '{name}')")
}

/// Removes the first events up to `$1`, at most `$2`, and moves the mark: how many, and the last.
pub(crate) fn trim(table: &str, position: &str, mark: &str) -> String {
    format!(
        "WITH gone AS (DELETE FROM {table} t WHERE t.{position} = ANY (ARRAY(\
         SELECT e.{position} FROM {table} e WHERE e.{position} <= $1 ORDER BY e.{position} LIMIT $2 FOR UPDATE)) \
         RETURNING t.{position}::bigint AS position), \
         last AS (SELECT count(*) AS events, max(g.position) AS position FROM gone g), \
         mark AS (INSERT INTO {{schema}}.cursor AS c (name, position, version) \
         SELECT '{mark}', last.position::text, 1 FROM last WHERE last.position IS NOT NULL \
         ON CONFLICT (name) DO UPDATE SET position = excluded.position, version = c.version + 1 \
         WHERE c.position IS NULL OR c.position::bigint < excluded.position::bigint) \
         SELECT last.events, last.position FROM last"
    )
}
