use crate::invalid::{Invalid, quoted};

/// The longest identifier that every database takes (Postgres: 63 bytes).
const MAX_LENGTH: usize = 63;

/// Checks the name of a column.
pub(super) fn column(field: &'static str, name: &str) -> Result<(), Invalid> {
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let continues = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if starts && continues && name.len() <= MAX_LENGTH {
        return Ok(());
    }
    Err(Invalid::new(field, "at most 63 of a-z, A-Z, 0-9 and '_', not beginning with a digit", quoted(name)))
}

/// Checks the name of a table, which may have its schema (or database) before it.
pub(super) fn table(field: &'static str, name: &str) -> Result<(), Invalid> {
    match name.split_once('.') {
        Some((schema, table)) => column(field, schema).and_then(|()| column(field, table)),
        None => column(field, name),
    }
}

/// Checks names of columns, and that no two are the same.
pub(super) fn columns<'a>(names: impl IntoIterator<Item = (&'static str, &'a str)>) -> Result<(), Invalid> {
    let mut seen: Vec<&str> = Vec::new();
    for (field, name) in names {
        column(field, name)?;
        if seen.iter().any(|seen| seen.eq_ignore_ascii_case(name)) {
            return Err(Invalid::new(field, "a column of its own", format!("{} twice", quoted(name))));
        }
        seen.push(name);
    }
    Ok(())
}
