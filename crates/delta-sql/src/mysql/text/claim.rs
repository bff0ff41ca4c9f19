use super::columns::head;

/// For how many lanes there is a text.
pub(crate) const LANES: [usize; 5] = [1, 2, 4, 8, 16];

/// The first resources of a lane that nobody has locked, locked: its namespace, its kind, now, and at most so many.
///
/// Each priority is a range of its own in the index of claims, which is read in its order, and no further than needed.
fn lane() -> String {
    format!(
        "SELECT {} FROM {{resource}} r FORCE INDEX (resource_claim) WHERE r.claim_namespace = ? AND r.kind_id = ? \
         AND r.priority IN (1, 2, 3, 4) AND r.run_at <= ? ORDER BY r.priority, r.run_at, r.id LIMIT ? \
         FOR UPDATE SKIP LOCKED",
        head()
    )
}

/// Picks from so many lanes, one after the other. Parameters: those of each.
pub(crate) fn pick(lanes: usize) -> String {
    let lane = lane();
    if lanes == 1 { lane } else { vec![format!("({lane})"); lanes].join(" UNION ALL ") }
}

/// Which kinds (0) and namespaces (1) are paused, by their ids.
pub(crate) const PAUSED: &str = "\
SELECT 0, k.id FROM {kind} k WHERE k.paused = 1 UNION ALL SELECT 1, n.id FROM {namespace} n WHERE n.paused = 1";
