use super::columns::CURSOR;
use super::rows;

fn columns() -> String {
    CURSOR.map(|column| format!("c.{column}")).join(", ")
}

fn named() -> String {
    format!("FROM {} STRAIGHT_JOIN {{cursor}} c FORCE INDEX (PRIMARY) ON c.name = UNHEX(j.bytes)", rows::bytes())
}

/// By name. Parameter: names.
pub(crate) fn by_name() -> String {
    format!("SELECT {} {}", columns(), named())
}

/// Whether `c`'s name begins so. Parameters: the beginning, three times.
const BEGINS: &str = "c.name >= ? AND LEFT(c.name, LENGTH(?)) = ?";

/// By how the name begins.
pub(crate) fn by_prefix() -> String {
    format!("SELECT {} FROM {{cursor}} c WHERE {BEGINS} ORDER BY c.name", columns())
}

/// What is due. Parameters: how the name begins, three times; now; at most so many.
pub(crate) fn due() -> String {
    let columns = columns();
    format!("SELECT {columns} FROM {{cursor}} c WHERE {BEGINS} AND c.next_at <= ? ORDER BY c.next_at, c.name LIMIT ?")
}

/// Locks those that exist, in the order of the list, and says their versions. Parameter: names.
pub(crate) fn lock() -> String {
    format!("SELECT c.name, c.version {} FOR UPDATE", named())
}

/// Removes some. Parameter: names.
pub(crate) fn remove() -> String {
    format!("DELETE c {}", named())
}
