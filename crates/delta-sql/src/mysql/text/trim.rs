/// How far a log was trimmed. Parameter: the name of its cursor.
pub(crate) const TRIMMED: &str = "SELECT t.position FROM {cursor} t WHERE t.name = ?";

/// The same, and holds off other trims of the log.
pub(crate) const LOCK: &str = "SELECT t.position FROM {cursor} t WHERE t.name = ? FOR UPDATE";

/// Says for the first time how far a log was trimmed. Parameters: the name of the cursor, the position.
pub(crate) const NEW: &str = "INSERT INTO {cursor} (name, position, version) VALUES (?, ?, 1)";

/// Says so again. Parameters: the position, the name of the cursor.
pub(crate) const RAISE: &str = "UPDATE {cursor} SET position = ?, version = version + 1 WHERE name = ?";

/// How many events a trim is to remove, and the last of them. Parameters: up to which position, at most so many.
pub(crate) fn look(table: &str, id: &str) -> String {
    format!(
        "SELECT COUNT(*), MAX(x.id) FROM (SELECT e.{id} AS id FROM {table} e WHERE e.{id} <= ? ORDER BY e.{id} LIMIT ?) x"
    )
}

/// Removes events. Parameter: up to which position.
pub(crate) fn delete(table: &str, id: &str) -> String {
    format!("DELETE FROM {table} WHERE {id} <= ?")
}
