/// Quotes a checked name, and the schema before it.
pub(crate) fn quoted(name: &str) -> String {
    let parts: Vec<String> = name.split('.').map(|part| format!("\"{part}\"")).collect();
    parts.join(".")
}

/// The schema and the name of a table; without a schema it is that of the file.
#[must_use]
pub fn schema_and_name(table: &str) -> (&str, &str) {
    table.split_once('.').unwrap_or(("main", table))
}
