use super::columns::{DETAIL, head};
use super::due::names;

/// Parameters: those of [`names`]; the states as a list or NULL, twice; a tag as JSON text or NULL, twice; the beginning of
/// the object id or NULL, three times; paused or NULL, twice.
///
/// A tag stands in its list as JSON has it, and no tag has a quote in it: so it is there if its text is.
fn filter() -> String {
    format!(
        "{} AND (? IS NULL OR FIND_IN_SET(r.state, ?) > 0) \
         AND (? IS NULL OR EXISTS (SELECT 1 FROM {{detail}} t WHERE t.resource_id = r.id \
         AND LOCATE(?, CAST(t.tags AS BINARY)) > 0)) \
         AND (? IS NULL OR LEFT(r.object_id, LENGTH(?)) = ?) AND (? IS NULL OR r.paused = ?)",
        names("r")
    )
}

/// Parameters: the last id of the page before, those of the filter, at most so many.
fn list(columns: &str, joined: &str) -> String {
    let filter = filter();
    format!("SELECT {columns} FROM {{resource}} r {joined} WHERE r.id > ? AND {filter} ORDER BY r.id LIMIT ?")
}

/// The narrow part.
pub(crate) fn list_heads() -> String {
    list(&head(), "")
}

/// With details.
pub(crate) fn list_full() -> String {
    list(&format!("{}, {DETAIL}", head()), "LEFT JOIN {detail} d ON d.resource_id = r.id")
}

/// Namespace, kind, state, how many, the earliest `run_at` and end of a lease. Parameters: those of the filter.
pub(crate) fn count() -> String {
    let filter = filter();
    format!(
        "SELECT r.namespace_id, r.kind_id, r.state, COUNT(*), MIN(CASE WHEN r.claim_namespace IS NOT NULL THEN r.run_at END), MIN(r.lease_until) \
         FROM {{resource}} r WHERE {filter} GROUP BY r.namespace_id, r.kind_id, r.state"
    )
}
