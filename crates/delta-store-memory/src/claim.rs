use delta_core::{ClaimRequest, Lane, Resource, Timestamp};

use crate::database::Database;
use crate::lock::Lock;
use crate::view::View;
use crate::workspace::Workspace;

/// Claims what the lanes have, and leaves out what open transactions hold.
pub(crate) fn claim(db: &mut Database, work: &mut Workspace, request: &ClaimRequest) -> Vec<Resource> {
    let mut claimed = Vec::new();
    for (lane, limit) in &request.lanes {
        for mut row in first_due(db, work, lane, *limit, request.now) {
            if request.take(&mut row, claimed.len()) {
                db.locks.take(Lock::Row(row.id), work.tx);
                work.put(row.clone());
                claimed.push(row);
            }
        }
    }
    claimed
}

/// The first resources of a lane, by priority and age.
fn first_due(db: &Database, work: &Workspace, lane: &Lane, limit: u32, now: Timestamp) -> Vec<Resource> {
    let view = View::new(db, Some(work));
    if view.is_paused(lane) {
        return Vec::new();
    }
    let in_lane = |row: &&Resource| row.key.kind == lane.kind && row.key.namespace == lane.namespace;
    let is_free = |row: &&Resource| db.locks.held_by_other(&Lock::Row(row.id), work.tx).is_none();
    let mut due: Vec<&Resource> = view.rows().filter(|row| row.is_due(now)).filter(in_lane).filter(is_free).collect();
    due.sort_by_key(|row| (row.priority, row.run_at, row.id));
    due.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect()
}
