use std::sync::Arc;

use delta_core::{CursorTable, CursorType};

use super::catalog::quoted;

/// The statements for one cursor table.
#[derive(Clone, Debug)]
pub(crate) struct CursorTableTexts {
    /// Its quoted name.
    pub(crate) quoted: String,
    /// Makes it.
    pub(crate) create: String,
    pub(crate) position: Arc<str>,
    pub(crate) advance: Arc<str>,
}

const CREATE: &str = "\
CREATE TABLE {table} (
    {id} text COLLATE \"C\" PRIMARY KEY,
    {position} {type} NOT NULL,
    {updated_at} timestamptz NOT NULL
) WITH (fillfactor = 50);
";

/// Where the consumer `$1` stands, as text.
const POSITION: &str = "SELECT t.{position}::text FROM {table} t WHERE t.{id} = $1";

/// Moves the consumer `$1` to `$2` at `$3`, if it stands before. What is no number is left for who reads it.
const ADVANCE: &str = "\
INSERT INTO {table} AS t ({id}, {position}, {updated_at}) VALUES ($1, $2::bigint{cast}, $3) \
ON CONFLICT ({id}) DO UPDATE SET {position} = excluded.{position}, {updated_at} = excluded.{updated_at} \
WHERE t.{position} IS NULL OR {before} RETURNING 1";

impl CursorTableTexts {
    /// Renders the texts for a table whose names were checked.
    pub(crate) fn new(table: &CursorTable) -> Self {
        let columns = table.columns();
        let (of_type, cast, before) = match table.cursor_type() {
            CursorType::Int => ("bigint", "", "t.{position} >= 0 AND t.{position} < $2"),
            CursorType::Text => (
                "text COLLATE \"C\"",
                "::text",
                "CASE WHEN t.{position} ~ '^[0-9]{1,30}$' THEN t.{position}::numeric < $2 ELSE false END",
            ),
        };
        let filled = |text: &str| {
            text.replace("{type}", of_type)
                .replace("{cast}", cast)
                .replace("{before}", before)
                .replace("{table}", &quoted(table.name()))
                .replace("{id}", &quoted(&columns.id))
                .replace("{position}", &quoted(&columns.position))
                .replace("{updated_at}", &quoted(&columns.updated_at))
        };
        Self {
            quoted: quoted(table.name()),
            create: filled(CREATE),
            position: filled(POSITION).into(),
            advance: filled(ADVANCE).into(),
        }
    }
}
