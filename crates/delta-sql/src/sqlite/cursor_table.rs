//! Statements about an application's cursor table.

use delta_core::{CursorColumns, CursorTable, CursorType};

use crate::sqlite::quote::quoted;

/// Makes the table.
#[must_use]
pub fn create(table: &CursorTable) -> String {
    let name = quoted(table.name());
    let CursorColumns { id, position, updated_at } = table.columns();
    let position_type = match table.cursor_type() {
        CursorType::Int => "INTEGER",
        CursorType::Text => "TEXT",
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n    \"{id}\" TEXT NOT NULL PRIMARY KEY,\n    \
         \"{position}\" {position_type} NOT NULL,\n    \"{updated_at}\" INTEGER NOT NULL\n) STRICT, WITHOUT ROWID;\n"
    )
}

/// The position of the consumer `?1`.
#[must_use]
pub fn get(table: &CursorTable) -> String {
    let CursorColumns { id, position, .. } = table.columns();
    format!("SELECT t.\"{position}\" FROM {} AS t WHERE t.\"{id}\" = ?1", quoted(table.name()))
}

/// Stores the position `?2` of the consumer `?1` at the time `?3`.
#[must_use]
pub fn put(table: &CursorTable) -> String {
    let name = quoted(table.name());
    let CursorColumns { id, position, updated_at } = table.columns();
    format!(
        "INSERT INTO {name} (\"{id}\", \"{position}\", \"{updated_at}\") VALUES (?1, ?2, ?3) \
         ON CONFLICT (\"{id}\") DO UPDATE SET \"{position}\" = excluded.\"{position}\", \
         \"{updated_at}\" = excluded.\"{updated_at}\""
    )
}
