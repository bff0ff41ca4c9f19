const EVENT: &str = "\
SELECT e.position, e.event_kind, e.reason, e.resource_id, n.name, k.name, e.object_id, e.state, e.generation, e.attempt, \
e.at, e.metadata, e.trace, e.object FROM {event} AS e \
LEFT JOIN {namespace} AS n ON n.id = e.namespace_id LEFT JOIN {kind} AS k ON k.id = e.kind_id";

/// The last position given out. No parameter.
pub(crate) const HEAD: &str = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{prefix}_event'), 0)";

/// All events after `?1`.
pub(crate) fn since() -> String {
    format!("{EVENT} WHERE e.position > ?1 ORDER BY e.position")
}

/// Events after `?1` up to `?2`, at most `?3`. `?4` event kinds or null; `?5`, `?6` namespaces and `?7`, `?8` kinds as in
/// a due query; `?9` resource or null; `?10` how the object id begins or null; `?11` 1 for those with metadata only, or null.
///
/// An event about a kind as a whole has no namespace: it passes only a filter that takes all of them.
pub(crate) fn page() -> String {
    format!(
        "{EVENT} WHERE e.position > ?1 AND e.position <= ?2 \
         AND (?4 IS NULL OR e.event_kind IN (SELECT value FROM json_each(?4))) \
         AND (?5 IS NULL OR (n.name IN (SELECT value FROM json_each(?6))) = ?5) \
         AND (?7 IS NULL OR (k.name IN (SELECT value FROM json_each(?8))) = ?7) \
         AND (?9 IS NULL OR e.resource_id = ?9) \
         AND (?10 IS NULL OR substr(e.object_id, 1, length(?10)) = ?10) \
         AND (?11 IS NULL OR e.metadata IS NOT NULL) \
         ORDER BY e.position LIMIT ?3"
    )
}
