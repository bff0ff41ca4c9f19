/// Every kind and namespace: 0 for a kind and 1 for a namespace, name, paused, settings.
pub(crate) const SCOPES: &str = "\
SELECT 0, k.name, k.paused, k.settings FROM {schema}.kind k \
UNION ALL SELECT 1, n.name, n.paused, n.settings FROM {schema}.namespace n ORDER BY 1, 2";

/// Ids and names of those with some names: `$1`.
pub(crate) fn named(table: &str) -> String {
    format!("SELECT id, name FROM {{schema}}.{table} WHERE name = ANY ($1::text[])")
}

/// Ids and names of those with some ids: `$1`.
pub(crate) fn numbered(table: &str) -> String {
    format!("SELECT id, name FROM {{schema}}.{table} WHERE id = ANY ($1::integer[])")
}

/// Creates those that do not exist, in the order of their names: `$1`.
pub(crate) fn new(table: &str) -> String {
    format!(
        "INSERT INTO {{schema}}.{table} (name) SELECT i.name FROM unnest($1::text[]) AS i (name) \
         ORDER BY i.name COLLATE \"C\" ON CONFLICT (name) DO NOTHING"
    )
}

/// Pauses or resumes one: `$1` its name, `$2` whether it is paused from now on. Returns its id if that is a change.
pub(crate) fn pause(table: &str) -> String {
    format!("UPDATE {{schema}}.{table} SET paused = $2 WHERE name = $1 AND paused <> $2 RETURNING id")
}

/// Stores the settings of one: `$1` its name, `$2` the settings.
pub(crate) fn set(table: &str) -> String {
    format!("UPDATE {{schema}}.{table} SET settings = $2 WHERE name = $1")
}

/// Appends an event about a kind or a namespace as a whole: `$1` the kind of event, `$2` the namespace, `$3` the kind, `$4`
/// now. Returns its position.
pub(crate) const APPEND: &str = "\
INSERT INTO {schema}.event (event_kind, namespace_id, kind_id, at) VALUES ($1, $2::integer, $3::integer, $4) \
RETURNING position";
