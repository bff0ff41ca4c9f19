/// A parameter that is a JSON array of arrays, as the table `j`.
fn table(columns: &[(&str, &str)]) -> String {
    let column = |(number, (name, kind)): (usize, &(&str, &str))| format!("{name} {kind} PATH '$[{number}]'");
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    format!("JSON_TABLE(?, '$[*]' COLUMNS ({})) j", columns.join(", "))
}

/// Ids.
pub(crate) fn ids() -> String {
    table(&[("id", "BIGINT")])
}

/// Ids with a number each.
pub(crate) fn numbered_ids() -> String {
    table(&[("id", "BIGINT"), ("number", "BIGINT")])
}

/// Keys: namespace, kind and object id, the last in hexadecimal.
pub(crate) fn keys() -> String {
    table(&[("namespace_id", "INT"), ("kind_id", "INT"), ("object_id", "VARCHAR(2040)")])
}

/// Names, or what else needs no escape.
pub(crate) fn names() -> String {
    table(&[("name", "VARCHAR(64)")])
}

/// Bytes in hexadecimal.
pub(crate) fn bytes() -> String {
    table(&[("bytes", "VARCHAR(2040)")])
}
