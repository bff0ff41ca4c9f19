use delta_core::{Resource, State};

use super::invariant::Invariant;
use crate::history::{Entry, Last, What};

/// Every row is one that there can be: a lease exactly while pending, a time to run exactly where it is claimable, and so on.
/// Rows of a state that this version does not know are left out.
#[derive(Debug, Default)]
pub struct RowsPossible;

impl Invariant for RowsPossible {
    fn name(&self) -> &'static str {
        "every row is one that there can be"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Row { after: Some(row), .. } => possible(row),
            _ => Ok(()),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        last.rows.iter().try_for_each(possible)
    }
}

fn possible(row: &Resource) -> Result<(), String> {
    if let State::Unknown(_) = row.state {
        return Ok(());
    }
    let (pending, deleted) = (row.state == State::Pending, row.state == State::Deleted);
    let errors = row.detail.as_ref().map_or(0, |detail| detail.errors.len());
    let kept = i64::try_from(errors).unwrap_or(i64::MAX);
    let holds = [
        ("a lease exactly while pending", pending == row.lease.is_some()),
        ("a time to run exactly where it is claimable", pending || row.run_at.is_some() == row.state.is_claimable()),
        ("a deletion exactly where deleted", deleted == row.deleted_at.is_some()),
        ("somebody who had it deleted exactly where deleted", deleted == row.deleted_by.is_some()),
        ("a generation from 1 and none finished beyond", {
            row.generation >= 1 && (0..=row.generation).contains(&row.synced_generation)
        }),
        ("synced only what finished its generation", {
            row.state != State::Synced || row.synced_generation == row.generation
        }),
        ("a time of synchronisation exactly where a generation was finished", {
            (row.synced_generation > 0) == row.synced_at.is_some()
        }),
        ("a lease of no later generation", row.lease.is_none_or(|lease| lease.generation <= row.generation)),
        ("a version from 1", row.version >= 1),
        ("the last ten errors at most, and no more than were counted", errors <= 10 && kept <= row.error_count),
    ];
    match holds.into_iter().find(|(_, holds)| !holds) {
        Some((expected, _)) => Err(format!("expected {expected}, found {row:?}")),
        None => Ok(()),
    }
}
