use super::due::names;

/// Lanes that have something to claim. Parameters: those of [`names`], and now for each priority.
///
/// Steps from lane to lane through the index of claims, and then looks for one due row in each: what it costs grows with
/// the number of lanes, not of resources.
pub(crate) fn lanes() -> String {
    let due = |priority: u8| {
        format!(
            "EXISTS (SELECT 1 FROM {{resource}} d FORCE INDEX (resource_claim) WHERE d.namespace_id = r.namespace_id \
             AND d.kind_id = r.kind_id AND d.priority = {priority} AND d.claim_at <= ?)"
        )
    };
    let due = [1, 2, 3, 4].map(due).join(" OR ");
    format!(
        "SELECT n.name, k.name FROM \
         (SELECT DISTINCT c.namespace_id, c.kind_id FROM {{resource}} c FORCE INDEX (resource_claim)) r \
         JOIN {{namespace}} n ON n.id = r.namespace_id AND n.paused = 0 \
         JOIN {{kind}} k ON k.id = r.kind_id AND k.paused = 0 WHERE {} AND ({due})",
        names("r")
    )
}
