use super::columns::head;

/// Whether `r` is of the chosen namespaces and kinds. Each of four lists of ids, or NULL where it chooses nothing, twice:
/// only these namespaces, all but these, only these kinds, all but these.
pub(crate) fn names(row: &str) -> String {
    let one = |column: &str| {
        format!(
            "(? IS NULL OR FIND_IN_SET({row}.{column}, ?) > 0) AND (? IS NULL OR FIND_IN_SET({row}.{column}, ?) = 0)"
        )
    };
    format!("{} AND {}", one("namespace_id"), one("kind_id"))
}

/// Parameters: what `found` speaks of, those of [`names`], at most so many.
fn due(index: &str, found: &str, order: &str) -> String {
    let (head, names) = (head(), names("r"));
    format!(
        "SELECT {head} FROM {{resource}} r FORCE INDEX ({index}) WHERE {found} AND {names} ORDER BY {order} LIMIT ?"
    )
}

/// Parameter: the latest time of a success.
pub(crate) fn expiry() -> String {
    due("resource_expiry", "r.expiry_at <= ?", "r.expiry_at, r.id")
}

/// Parameter: now.
pub(crate) fn rescue() -> String {
    due("resource_lease", "r.lease_until <= ? AND r.state = 'pending'", "r.lease_until, r.id")
}

/// Purge of deleted or degraded ones, by their index. Parameters: the latest time, the state.
pub(crate) fn ended() -> String {
    let found = "r.ended_since <= ? AND r.state = ? AND (r.state <> 'degraded' OR r.absent_by IS NULL)";
    due("resource_ended", found, "r.ended_since, r.id")
}

/// Purge of others, which is rare enough to do without an index. Parameters: the latest time, the state.
pub(crate) fn state() -> String {
    due("PRIMARY", "r.state_since <= ? AND r.state = ?", "r.state_since, r.id")
}

/// Parameter: the last id of the page before.
pub(crate) fn missing() -> String {
    due("PRIMARY", "r.id > ?", "r.id")
}
