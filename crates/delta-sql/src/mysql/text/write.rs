use super::columns::{CURSOR, DETAILS, ERROR, EVENT, FIXED, HEAD, HEAD_COUNT};
use super::rows;
use crate::mysql::multi::Multi;

pub(super) fn insert(table: &str, columns: &[&str], update: &[&str]) -> Multi {
    let before = format!("INSERT INTO {table} ({})", columns.join(", "));
    let values: Vec<String> = update.iter().map(|column| format!("{column} = VALUES({column})")).collect();
    let after = match values.as_slice() {
        [] => String::new(),
        values => format!(" ON DUPLICATE KEY UPDATE {}", values.join(", ")),
    };
    Multi::new(&before, columns.len(), &after)
}

/// Inserts resources.
pub(crate) fn new_resources(table: &str) -> Multi {
    insert(table, &HEAD, &[])
}

/// Inserts details, which gives out ids.
pub(crate) fn new_details(table: &str) -> Multi {
    insert(table, &DETAILS[1..], &[])
}

/// Writes resources over, which exist and are locked.
///
/// It says what an insert would, for that is how both servers take many rows of bound values. An update joined with a JSON
/// table is as fast for ten of the columns, and would need texts to be taken through hexadecimal (MariaDB 10.11, 10 to 1,000
/// rows).
pub(crate) fn resources(table: &str) -> Multi {
    insert(table, &HEAD, &HEAD[FIXED..HEAD_COUNT])
}

/// Writes details over, which exist.
pub(crate) fn details(table: &str) -> Multi {
    insert(table, &DETAILS, &["object", "tags"])
}

/// Writes objects over, of details that exist.
pub(crate) fn objects(table: &str) -> Multi {
    insert(table, &DETAILS, &["object"])
}

/// Writes tags over, of details that exist.
pub(crate) fn tags(table: &str) -> Multi {
    insert(table, &DETAILS, &["tags"])
}

/// Records errors.
pub(crate) fn errors(table: &str) -> Multi {
    insert(table, &ERROR, &[])
}

/// Appends events.
pub(crate) fn events(table: &str) -> Multi {
    insert(table, &EVENT, &[])
}

/// Inserts cursors.
pub(crate) fn new_cursors(table: &str) -> Multi {
    insert(table, &CURSOR, &[])
}

/// Writes cursors over, which exist and are locked.
pub(crate) fn cursors(table: &str) -> Multi {
    insert(table, &CURSOR, &CURSOR[1..])
}

/// Removes errors up to a number each. Parameter: ids with numbers.
pub(crate) fn prune() -> String {
    let ids = rows::numbered_ids();
    format!(
        "DELETE e FROM {ids} STRAIGHT_JOIN {{attempt_error}} e FORCE INDEX (PRIMARY) \
         ON e.resource_id = j.id AND e.number <= j.number"
    )
}

/// Removes what is about some resources from a table. Parameter: ids.
pub(crate) fn remove(table: &str, column: &str) -> String {
    let ids = rows::ids();
    format!("DELETE t FROM {ids} STRAIGHT_JOIN {{{table}}} t FORCE INDEX (PRIMARY) ON t.{column} = j.id")
}

/// What the statement before gave out: the first number, and how far the next are.
pub(crate) const GIVEN_OUT: &str = "SELECT CAST(LAST_INSERT_ID() AS SIGNED), @@SESSION.auto_increment_increment";
