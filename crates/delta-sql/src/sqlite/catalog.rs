//! What SQLite says about a live table. `?1` is the table's name, `?2` its schema.

/// The columns: name, declared type, place in the primary key or 0.
pub(crate) const COLUMNS: &str = "SELECT name, type, pk FROM pragma_table_info(?1, ?2)";

/// The columns of each unique index over the whole table: the index's name, a column of it or null for an expression.
pub(crate) const UNIQUE: &str = "\
SELECT l.name, c.name FROM pragma_index_list(?1, ?2) AS l, pragma_index_info(l.name, ?2) AS c \
WHERE l.\"unique\" = 1 AND l.partial = 0";

/// The statement that made a table of a schema, which goes in quoted.
#[must_use]
pub fn creation(schema: &str) -> String {
    format!("SELECT sql FROM \"{schema}\".sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE")
}
