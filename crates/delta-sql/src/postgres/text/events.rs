use delta_core::{LogName, TRIM_PREFIX};

use super::columns::EVENT;
use super::log;

/// The last position of Delta's own log that was given out, or null.
pub(crate) const LAST: &str = "pg_sequence_last_value('{schema}.event_position'::regclass)";

/// The cursor that keeps how far Delta's own log was trimmed.
pub(crate) fn mark_name() -> String {
    format!("{TRIM_PREFIX}{}", LogName::own())
}

/// Events after `$1` up to `$2`, at most `$3`: `$4` kinds of event or null; `$5` only these namespaces, `$6` all but these,
/// `$7` only these kinds, `$8` all but these; `$9` of one resource, or null; `$10` how the object id begins, or null; `$11`
/// members of the metadata or null, `$12` their values. After its columns each has the log's mark.
///
/// What is about a kind as a whole is of no namespace, so no choice of namespaces lets it pass, not even one that leaves
/// none out; and the other way round.
///
/// Metadata are chosen roughly, never too few: a text with an escaped NUL is not one that the server can take apart, and
/// numbers are read as their text. Who reads the rows chooses once more.
pub(crate) fn events() -> String {
    let one = |column: &str, only: u32, except: u32| {
        format!(
            "(${only}::integer[] IS NULL OR e.{column} = ANY (${only})) \
             AND (${except}::integer[] IS NULL OR (e.{column} IS NOT NULL AND e.{column} <> ALL (${except})))"
        )
    };
    format!(
        "SELECT {EVENT}, {} FROM {{schema}}.event e WHERE e.position > $1 AND e.position <= $2 \
         AND ($4::text[] IS NULL OR e.event_kind = ANY ($4)) AND {} AND {} \
         AND ($9::bigint IS NULL OR e.resource_id = $9) AND ($10::text IS NULL OR starts_with(e.object_id, $10)) \
         AND ($11::text[] IS NULL OR CASE WHEN e.metadata IS NULL THEN false \
         WHEN strpos(e.metadata, chr(92) || 'u0000') > 0 THEN true \
         ELSE NOT EXISTS (SELECT FROM unnest($11, $12::text[]) AS m (member, value) \
         WHERE (e.metadata::json ->> m.member) IS DISTINCT FROM m.value) END) \
         ORDER BY e.position LIMIT $3",
        log::mark(&mark_name()),
        one("namespace_id", 5, 6),
        one("kind_id", 7, 8)
    )
}

/// How far the log was trimmed.
pub(crate) fn mark() -> String {
    format!("SELECT {}", log::mark(&mark_name()))
}

/// Removes the first events.
pub(crate) fn trim() -> String {
    log::trim("{schema}.event", "position", &mark_name())
}
