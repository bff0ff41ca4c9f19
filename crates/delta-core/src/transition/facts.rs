use crate::resource::{AbsentBy, DeletedBy, Resource};
use crate::timestamp::Timestamp;
use crate::transition::rule::Phase;

/// How an informed object stands to the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The stored one is newer.
    Older,
    /// They are the same.
    Unchanged,
    /// The informed one is newer, or just different.
    Changed,
}

/// What the end of an attempt reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportKind {
    /// In step.
    Synced,
    /// Failed, to be tried again.
    Failed,
    /// Failed for good.
    Permanent,
    /// The object is gone.
    Delete,
    /// Not yet: later.
    Snooze,
    /// Given back without an attempt.
    Released,
}

/// Everything that the conditions of the table look at. What does not belong to an input keeps its default.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and the table's conditions join them")]
pub struct Facts {
    /// The row's state.
    pub phase: Phase,
    /// Who asked for absence, if absence is wanted.
    pub absent_by: Option<AbsentBy>,
    /// Who had it deleted.
    pub deleted_by: Option<DeletedBy>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its `run_at` has come.
    pub due: bool,
    /// Whether its lease is over.
    pub lease_over: bool,
    /// Whether somebody asked for the attempt to be ended.
    pub cancel_requested: bool,
    /// Whether the row is pending under the input's lease.
    pub lease_held: bool,
    /// Whether its generation is no longer the lease's.
    pub moved: bool,
    /// Whether another attempt is allowed.
    pub attempts_left: bool,
    /// Inform: how the object stands to the stored one.
    pub relation: Relation,
    /// Inform: whether an informer says it, not a caller.
    pub by_informer: bool,
    /// Inform: whether what is deleted is to be skipped.
    pub skip_deleted: bool,
    /// Inform: whether an unchanged object is to be worked too.
    pub process_existing: bool,
    /// Inform: whether an unchanged object that gave up is tried again.
    pub second_chance: bool,
    /// Settle: the report.
    pub report: ReportKind,
    /// Deletion: who asks.
    pub asked_by: AbsentBy,
    /// Purge: whether its retention is over. Expire: whether its expiry is.
    pub period_over: bool,
}

impl Facts {
    /// The facts of a row, or of a key without one.
    #[must_use]
    pub fn of(row: Option<&Resource>, now: Timestamp) -> Self {
        let lease = row.and_then(|row| row.lease.as_ref());
        Self {
            phase: row.map_or(Phase::None, |row| Phase::of(&row.state)),
            absent_by: row.and_then(|row| row.desired.absent_by()),
            deleted_by: row.and_then(|row| row.deleted_by),
            paused: row.is_some_and(|row| row.paused),
            due: row.and_then(|row| row.run_at).is_some_and(|at| at <= now),
            lease_over: lease.is_some_and(|lease| lease.until <= now),
            cancel_requested: lease.is_some_and(|lease| lease.cancel_requested),
            lease_held: false,
            moved: row.zip(lease).is_some_and(|(row, lease)| row.generation != lease.generation),
            attempts_left: row.is_some_and(Resource::has_attempts_left),
            relation: Relation::Changed,
            by_informer: false,
            skip_deleted: false,
            process_existing: false,
            second_chance: false,
            report: ReportKind::Synced,
            asked_by: AbsentBy::Request,
            period_over: false,
        }
    }
}
