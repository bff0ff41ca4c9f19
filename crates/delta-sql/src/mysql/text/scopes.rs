use super::rows;

/// Every kind and namespace: 0 for a kind and 1 for a namespace, name, paused, settings.
pub(crate) const SCOPES: &str = "\
SELECT 0 AS which, k.name AS name, k.paused, k.settings FROM {kind} k \
UNION ALL SELECT 1, n.name, n.paused, n.settings FROM {namespace} n ORDER BY which, name";

/// Ids and names of those with some names. Parameter: names.
pub(crate) fn named(table: &str) -> String {
    format!(
        "SELECT t.id, t.name FROM {} STRAIGHT_JOIN {{{table}}} t \
         ON t.name = CONVERT(j.name USING ascii) COLLATE ascii_bin",
        rows::names()
    )
}

/// Ids and names of those with some ids. Parameter: ids.
pub(crate) fn numbered(table: &str) -> String {
    format!("SELECT t.id, t.name FROM {} STRAIGHT_JOIN {{{table}}} t ON t.id = j.id", rows::ids())
}

/// Creates one. Parameter: its name.
pub(crate) fn new(table: &str) -> String {
    format!("INSERT INTO {{{table}}} (name) VALUES (?)")
}

/// Locks one, and says whether it is paused. Parameter: its id.
pub(crate) fn lock(table: &str) -> String {
    format!("SELECT t.paused FROM {{{table}}} t WHERE t.id = ? FOR UPDATE")
}

/// Pauses or resumes one. Parameters: whether it is paused from now on, its id.
pub(crate) fn pause(table: &str) -> String {
    format!("UPDATE {{{table}}} SET paused = ? WHERE id = ?")
}

/// Stores the settings of one. Parameters: the settings, its id.
pub(crate) fn set(table: &str) -> String {
    format!("UPDATE {{{table}}} SET settings = ? WHERE id = ?")
}
