//! Statements about a table of dead letters, Delta's own or an application's.

use delta_core::{ErrorColumns, ErrorTable};

use crate::sqlite::quote::quoted;

/// Makes the table.
#[must_use]
pub fn create(table: &ErrorTable) -> String {
    let name = quoted(table.name());
    let ErrorColumns { id, consumer, position, message, created_at, updated_at, status, .. } = table.columns();
    let mut columns = format!(
        "\"{id}\" INTEGER PRIMARY KEY AUTOINCREMENT,\n    \"{consumer}\" TEXT NOT NULL,\n    \
         \"{position}\" INTEGER NOT NULL,\n    \"{message}\" TEXT NOT NULL,\n    \"{created_at}\" INTEGER NOT NULL,\n    \
         \"{updated_at}\" INTEGER NOT NULL,\n    \"{status}\" INTEGER NOT NULL,\n    "
    );
    for (column, holds) in optional(table).into_iter().zip(["TEXT NOT NULL", "TEXT", "INTEGER"]) {
        if let Some(column) = column {
            columns = format!("{columns}\"{column}\" {holds},\n    ");
        }
    }
    format!("CREATE TABLE IF NOT EXISTS {name} (\n    {columns}UNIQUE ({})\n) STRICT;\n", key(table))
}

/// Puts a dead letter. `?1` consumer, `?2` position, `?3` message, `?4` and `?5` when it was made and changed, `?6` status,
/// `?7` log, `?8` event, `?9` attempts. Returns its id.
#[must_use]
pub fn put(table: &ErrorTable) -> String {
    let name = quoted(table.name());
    let ErrorColumns { id, consumer, position, message, created_at, updated_at, status, attempts, .. } =
        table.columns();
    let mut names =
        format!("\"{consumer}\", \"{position}\", \"{message}\", \"{created_at}\", \"{updated_at}\", \"{status}\"");
    let mut values = "?1, ?2, ?3, ?4, ?5, ?6".to_owned();
    for (column, value) in optional(table).into_iter().zip(["?7", "?8", "?9"]) {
        if let Some(column) = column {
            names = format!("{names}, \"{column}\"");
            values = format!("{values}, {value}");
        }
    }
    let changing = [Some(message), Some(updated_at), Some(status), attempts.as_ref()];
    let changes: Vec<String> =
        changing.into_iter().flatten().map(|column| format!("\"{column}\" = excluded.\"{column}\"")).collect();
    let (key, changes) = (key(table), changes.join(", "));
    format!(
        "INSERT INTO {name} ({names}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {changes} RETURNING \"{id}\""
    )
}

/// Dead letters above the id `?1`, at most `?2`. `?3` consumer, `?4` log, `?5` status, `?6` position, each or null.
#[must_use]
pub fn list(table: &ErrorTable) -> String {
    let name = quoted(table.name());
    let ErrorColumns { id, consumer, position, message, created_at, updated_at, status, .. } = table.columns();
    let [log, event, attempts] =
        optional(table).map(|column| column.map_or("NULL".to_owned(), |column| format!("t.\"{column}\"")));
    // All pass where there is no column of the log.
    let of_log = if log == "NULL" { "true".to_owned() } else { format!("{log} = ?4") };
    format!(
        "SELECT t.\"{id}\", t.\"{consumer}\", t.\"{position}\", t.\"{message}\", t.\"{created_at}\", t.\"{updated_at}\", \
         t.\"{status}\", {log}, {event}, {attempts} FROM {name} AS t WHERE t.\"{id}\" > ?1 \
         AND (?3 IS NULL OR t.\"{consumer}\" = ?3) AND (?4 IS NULL OR {of_log}) \
         AND (?5 IS NULL OR t.\"{status}\" = ?5) AND (?6 IS NULL OR t.\"{position}\" = ?6) ORDER BY t.\"{id}\" LIMIT ?2"
    )
}

/// Gives the status `?3` at the time `?4` to the ids `?1` that are in one of the statuses `?2`.
#[must_use]
pub fn mark(table: &ErrorTable) -> String {
    let ErrorColumns { id, updated_at, status, .. } = table.columns();
    format!(
        "UPDATE {} SET \"{status}\" = ?3, \"{updated_at}\" = ?4 WHERE \"{id}\" IN (SELECT value FROM json_each(?1)) \
         AND \"{status}\" IN (SELECT value FROM json_each(?2))",
        quoted(table.name())
    )
}

/// The columns of which there is one row each.
#[must_use]
pub fn unique(table: &ErrorTable) -> Vec<&str> {
    let ErrorColumns { consumer, position, log, .. } = table.columns();
    [Some(consumer), log.as_ref(), Some(position)].into_iter().flatten().map(String::as_str).collect()
}

fn key(table: &ErrorTable) -> String {
    let quoted: Vec<String> = unique(table).into_iter().map(|column| format!("\"{column}\"")).collect();
    quoted.join(", ")
}

/// The columns that a table may lack: log, event, attempts.
fn optional(table: &ErrorTable) -> [Option<&String>; 3] {
    let ErrorColumns { log, event, attempts, .. } = table.columns();
    [log.as_ref(), event.as_ref(), attempts.as_ref()]
}
