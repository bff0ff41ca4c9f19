use super::due::names;

/// Lanes that have something to claim. Parameters: those of [`names`], and now for each priority.
///
/// Looks at the first row of each priority of each lane, of all there could be: what it costs grows with the number of lanes,
/// not of resources. Neither server is sure to step from lane to lane through an index.
pub(crate) fn lanes() -> String {
    let due = |priority: u8| {
        format!(
            "(SELECT d.run_at FROM {{resource}} d FORCE INDEX (resource_claim) WHERE d.claim_namespace = r.namespace_id \
             AND d.kind_id = r.kind_id AND d.priority = {priority} ORDER BY d.run_at LIMIT 1) <= ?"
        )
    };
    let due = [1, 2, 3, 4].map(due).join(" OR ");
    format!(
        "SELECT r.namespace, r.kind FROM \
         (SELECT n.id AS namespace_id, n.name AS namespace, k.id AS kind_id, k.name AS kind \
         FROM {{namespace}} n JOIN {{kind}} k ON n.paused = 0 AND k.paused = 0) r WHERE {} AND ({due})",
        names("r")
    )
}
