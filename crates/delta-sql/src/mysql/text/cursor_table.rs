use std::sync::Arc;

use delta_core::{CursorColumns, CursorTable, CursorType};

use super::event_table::{TIME, quoted};

/// The statements about one table of cursors.
#[derive(Debug)]
pub(crate) struct CursorTableSql {
    /// Where a consumer stands, as text. Parameter: the consumer.
    pub(crate) get: Arc<str>,
    /// The same, and holds off others who would move it.
    pub(crate) lock: Arc<str>,
    /// Puts a consumer. Parameters: the consumer, the position, the time.
    pub(crate) new: Arc<str>,
    /// Moves a consumer. Parameters: the position, the time, the consumer.
    pub(crate) set: Arc<str>,
}

impl CursorTableSql {
    pub(crate) fn new(table: &CursorTable) -> Self {
        let (name, CursorColumns { id, position, updated_at }) = (quoted(table.name()), table.columns());
        let get = format!("SELECT CAST(c.`{position}` AS CHAR) FROM {name} c WHERE c.`{id}` = ?");
        Self {
            lock: format!("{get} FOR UPDATE").into(),
            get: get.into(),
            new: format!("INSERT INTO {name} (`{id}`, `{position}`, `{updated_at}`) VALUES (?, ?, {TIME})").into(),
            set: format!("UPDATE {name} SET `{position}` = ?, `{updated_at}` = {TIME} WHERE `{id}` = ?").into(),
        }
    }
}

/// The statement that makes a table.
pub(crate) fn create(table: &CursorTable) -> String {
    let (name, CursorColumns { id, position, updated_at }) = (quoted(table.name()), table.columns());
    let kind = match table.cursor_type() {
        CursorType::Int => "BIGINT",
        CursorType::Text => "VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin",
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n    `{id}` VARBINARY(255) NOT NULL PRIMARY KEY,\n    `{position}` {kind} NOT NULL,\n    \
         `{updated_at}` DATETIME(6) NOT NULL\n) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )
}
