use super::columns::{DETAIL, head};
use super::rows;

/// What joins the detail `d` of a resource `r`.
const WITH_DETAIL: &str = "LEFT JOIN {detail} d ON d.resource_id = r.id";

/// Resources by id, the narrow part. Parameter: ids.
pub(crate) fn heads() -> String {
    format!("SELECT {} FROM {} STRAIGHT_JOIN {{resource}} r FORCE INDEX (PRIMARY) ON r.id = j.id", head(), rows::ids())
}

/// Resources by id, with their details. Parameter: ids.
pub(crate) fn full() -> String {
    let (head, ids) = (head(), rows::ids());
    format!(
        "SELECT {head}, {DETAIL} FROM {ids} STRAIGHT_JOIN {{resource}} r FORCE INDEX (PRIMARY) ON r.id = j.id {WITH_DETAIL}"
    )
}

/// Locks resources in the order of the list, and says what they are by then. Parameter: ids.
pub(crate) fn lock() -> String {
    format!("{} FOR UPDATE", heads())
}

/// As [`lock`], without those that others have locked.
pub(crate) fn lock_free() -> String {
    format!("{} SKIP LOCKED", lock())
}

fn by_key() -> String {
    format!(
        "FROM {} STRAIGHT_JOIN {{resource}} r FORCE INDEX (resource_key) \
         ON r.namespace_id = j.namespace_id AND r.kind_id = j.kind_id AND r.object_id = UNHEX(j.object_id)",
        rows::keys()
    )
}

/// Resources by key, the narrow part. Parameter: keys.
pub(crate) fn heads_by_key() -> String {
    format!("SELECT {} {}", head(), by_key())
}

/// Resources by key, with their details. Parameter: keys.
pub(crate) fn full_by_key() -> String {
    format!("SELECT {}, {DETAIL} {} {WITH_DETAIL}", head(), by_key())
}

/// Which keys exist, with their ids. Parameter: keys.
pub(crate) fn ids_by_key() -> String {
    format!("SELECT r.id, r.namespace_id, r.kind_id, r.object_id {}", by_key())
}

/// Details by id of the resource. Parameter: ids.
pub(crate) fn details() -> String {
    let ids = rows::ids();
    format!(
        "SELECT d.resource_id, {DETAIL} FROM {ids} STRAIGHT_JOIN {{detail}} d FORCE INDEX (PRIMARY) ON d.resource_id = j.id"
    )
}

/// Objects by id of the resource. Parameter: ids.
pub(crate) fn objects() -> String {
    let ids = rows::ids();
    format!(
        "SELECT d.resource_id, d.object FROM {ids} STRAIGHT_JOIN {{detail}} d FORCE INDEX (PRIMARY) ON d.resource_id = j.id"
    )
}
