//! Statements about an application's event table.
//!
//! One writer at a time and ids by `AUTOINCREMENT`: ids are in the order of commits, and are not given out again.

use delta_core::{EventColumns, EventTable, ForeignIdType, Noops};

use crate::sqlite::quote::{quoted, schema_and_name};

/// Makes the table.
#[must_use]
pub fn create(table: &EventTable) -> String {
    let (name, columns) = (quoted(table.name()), table.columns());
    let EventColumns { id, foreign_id, kind, at, metadata, trace } = columns;
    let foreign_type = match table.foreign_id_type() {
        ForeignIdType::Text => "TEXT",
        ForeignIdType::Int => "INTEGER",
    };
    let metadata = metadata.as_ref().map(|name| format!(",\n    \"{name}\" BLOB")).unwrap_or_default();
    let trace = trace.as_ref().map(|name| format!(",\n    \"{name}\" TEXT")).unwrap_or_default();
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n    \"{id}\" INTEGER PRIMARY KEY AUTOINCREMENT,\n    \
         \"{foreign_id}\" {foreign_type} NOT NULL,\n    \"{kind}\" INTEGER NOT NULL,\n    \
         \"{at}\" INTEGER NOT NULL{metadata}{trace}\n) STRICT;\n"
    )
}

/// The last id that was given out. `?1` the table's name without its schema.
#[must_use]
pub fn last(table: &EventTable) -> String {
    let (name, id) = (quoted(table.name()), &table.columns().id);
    let (schema, _) = schema_and_name(table.name());
    format!(
        "SELECT max(coalesce((SELECT seq FROM \"{schema}\".sqlite_sequence WHERE name = ?1 COLLATE NOCASE), 0), \
         coalesce((SELECT max(t.\"{id}\") FROM {name} AS t), 0))"
    )
}

/// Appends events. `?1` events: id, foreign id, kind, time, metadata in hexadecimal or null, trace or null.
#[must_use]
pub fn append(table: &EventTable) -> String {
    let name = quoted(table.name());
    let EventColumns { id, foreign_id, kind, at, metadata, trace } = table.columns();
    let mut names = format!("\"{id}\", \"{foreign_id}\", \"{kind}\", \"{at}\"");
    let mut values = "q.value ->> 0, q.value ->> 1, q.value ->> 2, q.value ->> 3".to_owned();
    for (column, value) in [(metadata, "unhex(q.value ->> 4)"), (trace, "q.value ->> 5")] {
        if let Some(column) = column {
            names = format!("{names}, \"{column}\"");
            values = format!("{values}, {value}");
        }
    }
    format!("INSERT INTO {name} ({names}) SELECT {values} FROM jsonb_each(?1) AS q")
}

/// Events after `?1` up to `?2`, at most `?3`. `?4` kinds or null, `?5` how the foreign id begins or null.
///
/// Columns are named with their table: the quoted name of one that is missing would be taken for a text.
#[must_use]
pub fn page(table: &EventTable) -> String {
    let name = quoted(table.name());
    let EventColumns { id, foreign_id, kind, at, metadata, trace } = table.columns();
    let or_null = |column: &Option<String>| column.as_ref().map_or("NULL".to_owned(), |name| format!("t.\"{name}\""));
    let (metadata, trace) = (or_null(metadata), or_null(trace));
    let noop = noop(table);
    let shown = match table.noop_rule() {
        Noops::Shown => String::new(),
        Noops::Hidden => format!("AND NOT (t.\"{kind}\" = 0 AND t.\"{foreign_id}\" = {noop}) "),
    };
    format!(
        "SELECT t.\"{id}\", t.\"{foreign_id}\", t.\"{kind}\", t.\"{at}\", {metadata}, {trace} FROM {name} AS t \
         WHERE t.\"{id}\" > ?1 AND t.\"{id}\" <= ?2 {shown}\
         AND (?4 IS NULL OR t.\"{kind}\" IN (SELECT value FROM json_each(?4))) \
         AND (?5 IS NULL OR substr(CAST(t.\"{foreign_id}\" AS TEXT), 1, length(?5)) = ?5) \
         ORDER BY t.\"{id}\" LIMIT ?3"
    )
}

/// Ids after `?1`, at most `?2`.
#[must_use]
pub fn ids(table: &EventTable) -> String {
    let (name, id) = (quoted(table.name()), &table.columns().id);
    format!("SELECT t.\"{id}\" FROM {name} AS t WHERE t.\"{id}\" > ?1 ORDER BY t.\"{id}\" LIMIT ?2")
}

/// How many ids there are after `?1` up to `?2`.
#[must_use]
pub fn count(table: &EventTable) -> String {
    let (name, id) = (quoted(table.name()), &table.columns().id);
    format!("SELECT count(*) FROM {name} AS t WHERE t.\"{id}\" > ?1 AND t.\"{id}\" <= ?2")
}

/// Inserts noop events for the first `?4` missing ids from `?1` up to `?2`, at the time `?3`.
#[must_use]
pub fn fill(table: &EventTable) -> String {
    let (name, noop) = (quoted(table.name()), noop(table));
    let EventColumns { id, foreign_id, kind, at, .. } = table.columns();
    format!(
        "WITH RECURSIVE missing (id) AS (SELECT ?1 UNION ALL SELECT id + 1 FROM missing WHERE id < ?2) \
         INSERT INTO {name} (\"{id}\", \"{foreign_id}\", \"{kind}\", \"{at}\") \
         SELECT m.id, {noop}, 0, ?3 FROM missing AS m \
         WHERE NOT EXISTS (SELECT 1 FROM {name} AS t WHERE t.\"{id}\" = m.id) LIMIT ?4"
    )
}

/// How many events are at or below `?1`, at most `?2`, the lowest first, and the last of them.
#[must_use]
pub fn oldest(table: &EventTable) -> String {
    let (name, id) = (quoted(table.name()), &table.columns().id);
    format!(
        "SELECT count(*), max(o.id) FROM \
         (SELECT t.\"{id}\" AS id FROM {name} AS t WHERE t.\"{id}\" <= ?1 ORDER BY t.\"{id}\" LIMIT ?2) AS o"
    )
}

/// Removes the events up to `?1`.
#[must_use]
pub fn remove(table: &EventTable) -> String {
    let (name, id) = (quoted(table.name()), &table.columns().id);
    format!("DELETE FROM {name} AS t WHERE t.\"{id}\" <= ?1")
}

/// The foreign id of a noop event.
fn noop(table: &EventTable) -> &'static str {
    match table.foreign_id_type() {
        ForeignIdType::Text => "'0'",
        ForeignIdType::Int => "0",
    }
}
