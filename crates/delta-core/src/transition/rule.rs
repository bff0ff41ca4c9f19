use crate::resource::{AbsentBy, DeletedBy};
use crate::state::State;
use crate::transition::facts::{Facts, Relation, ReportKind};

/// A state as the table sees it: with "no row" and "of another version" beside the seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// There is no row.
    None,
    /// [`State::Scheduled`].
    Scheduled,
    /// [`State::Pending`].
    Pending,
    /// [`State::Synced`].
    Synced,
    /// [`State::Expired`].
    Expired,
    /// [`State::Failed`].
    Failed,
    /// [`State::Degraded`].
    Degraded,
    /// [`State::Deleted`].
    Deleted,
    /// [`State::Unknown`].
    Unknown,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Scheduled,
        Self::Pending,
        Self::Synced,
        Self::Expired,
        Self::Failed,
        Self::Degraded,
        Self::Deleted,
        Self::Unknown,
    ];

    /// The phase of a state.
    #[must_use]
    pub const fn of(state: &State) -> Self {
        match state {
            State::Scheduled => Self::Scheduled,
            State::Pending => Self::Pending,
            State::Synced => Self::Synced,
            State::Expired => Self::Expired,
            State::Failed => Self::Failed,
            State::Degraded => Self::Degraded,
            State::Deleted => Self::Deleted,
            State::Unknown(_) => Self::Unknown,
        }
    }

    /// Its name in pictures and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Scheduled => "scheduled",
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Degraded => "degraded",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        }
    }
}

/// What can happen to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// A caller or an informer says that the object exists.
    Inform,
    /// A worker takes it.
    Claim,
    /// Its holder renews the lease.
    Heartbeat,
    /// Its holder reports the outcome of the attempt.
    Settle,
    /// The leader finds its lease over.
    Rescue,
    /// The leader finds it synced for longer than its expiry.
    Expire,
    /// A caller wants a synced resource worked again.
    Invalidate,
    /// A caller wants a failed resource tried again.
    Retry,
    /// A caller wants it to give up.
    Cancel,
    /// Somebody wants the object to be absent.
    RequestDeletion,
    /// A full run did not mention it, and it is to be worked again.
    Missing,
    /// A caller pauses it.
    Pause,
    /// A caller resumes it.
    Resume,
    /// The leader finds its retention over.
    Purge,
}

impl Input {
    /// Every input.
    pub const ALL: [Self; 14] = [
        Self::Inform,
        Self::Claim,
        Self::Heartbeat,
        Self::Settle,
        Self::Rescue,
        Self::Expire,
        Self::Invalidate,
        Self::Retry,
        Self::Cancel,
        Self::RequestDeletion,
        Self::Missing,
        Self::Pause,
        Self::Resume,
        Self::Purge,
    ];

    /// Its name in pictures and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inform => "inform",
            Self::Claim => "claim",
            Self::Heartbeat => "heartbeat",
            Self::Settle => "settle",
            Self::Rescue => "rescue",
            Self::Expire => "expire",
            Self::Invalidate => "invalidate",
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::RequestDeletion => "request deletion",
            Self::Missing => "missing",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Purge => "purge",
        }
    }
}

/// What must hold for a rule to fit, besides its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The informed object is older than the stored one.
    Older,
    /// The informed object is the stored one.
    Unchanged,
    /// The informed object is neither older nor the same.
    Changed,
    /// Not (absent or deleted by `missing`, and informed by an informer): what `missing` began, an informer ends.
    NotMissingFound,
    /// Deleted, or absence is wanted.
    Gone,
    /// An informer says it, or a caller that skips what is deleted.
    SkipsDeleted,
    /// Absence is wanted.
    Absent,
    /// Presence is wanted.
    Present,
    /// The caller wants unchanged objects worked too.
    Process,
    /// The kind tries again what gave up.
    SecondChance,
    /// `run_at` has come.
    Due,
    /// It is not paused.
    NotPaused,
    /// It is paused.
    Paused,
    /// The row is pending under the input's lease.
    LeaseHeld,
    /// The lease is over.
    LeaseOver,
    /// Somebody asked for the attempt to be ended.
    CancelRequested,
    /// The generation moved during the attempt.
    Moved,
    /// The attempt's report.
    Reports(ReportKind),
    /// Another attempt is allowed.
    AttemptsLeft,
    /// A caller asks for the deletion.
    AskedByRequest,
    /// The absence was asked for by `missing`.
    AbsentByMissing,
    /// The deletion was asked for by `missing`.
    DeletedByMissing,
    /// The expiry or the retention is over.
    PeriodOver,
}

impl Condition {
    /// Whether it holds.
    #[must_use]
    pub fn holds(self, facts: &Facts) -> bool {
        let missing = match facts.phase {
            Phase::Deleted => facts.deleted_by == Some(DeletedBy::Missing),
            _ => facts.absent_by == Some(AbsentBy::Missing),
        };
        match self {
            Self::Older => facts.relation == Relation::Older,
            Self::Unchanged => facts.relation == Relation::Unchanged,
            Self::Changed => facts.relation == Relation::Changed,
            Self::NotMissingFound => !(missing && facts.by_informer),
            Self::Gone => facts.phase == Phase::Deleted || facts.absent_by.is_some(),
            Self::SkipsDeleted => facts.by_informer || facts.skip_deleted,
            Self::Absent => facts.absent_by.is_some(),
            Self::Present => facts.absent_by.is_none(),
            Self::Process => facts.process_existing,
            Self::SecondChance => facts.second_chance,
            Self::Due => facts.due,
            Self::NotPaused => !facts.paused,
            Self::Paused => facts.paused,
            Self::LeaseHeld => facts.lease_held,
            Self::LeaseOver => facts.lease_over,
            Self::CancelRequested => facts.cancel_requested,
            Self::Moved => facts.moved,
            Self::Reports(report) => facts.report == report,
            Self::AttemptsLeft => facts.attempts_left,
            Self::AskedByRequest => facts.asked_by == AbsentBy::Request,
            Self::AbsentByMissing => facts.absent_by == Some(AbsentBy::Missing),
            Self::DeletedByMissing => facts.deleted_by == Some(DeletedBy::Missing),
            Self::PeriodOver => facts.period_over,
        }
    }
}

/// Where a rule leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum To {
    /// To this state.
    Phase(Phase),
    /// To scheduled; but what is pending stays so, and runs once more afterwards.
    ScheduledOrPending,
    /// It stays where it is.
    Same,
}

/// What else a rule does; each is written out in one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Refused.
    Reject,
    /// Inserted as generation 1.
    Create,
    /// Nothing is written: the stored object is newer.
    Stale,
    /// Nothing is written but a touch: it is gone on purpose.
    SkipDeleted,
    /// Wanted again after a deletion.
    Revive,
    /// Something new to do.
    Change,
    /// The same object, but something new to do.
    Request,
    /// The same generation, tried from the first attempt.
    SecondChance,
    /// A pure read, but for labels and touches.
    Unchanged,
    /// Taken under a new lease.
    Claim,
    /// The lease is renewed.
    Heartbeat,
    /// The attempt ended, and what is wanted changed meanwhile.
    Rerun,
    /// The attempt brought it into step.
    Synced,
    /// The attempt failed; another follows.
    Failed,
    /// The attempt failed, and no other follows.
    GiveUp,
    /// The object is gone.
    Deleted,
    /// The attempt is given back, for later.
    Snooze,
    /// The attempt is given back.
    Release,
    /// The right to write is gone.
    Lost,
    /// Due again.
    Expire,
    /// Asked for again.
    Invalidate,
    /// Tried again by request.
    Retry,
    /// Gives up by request.
    Cancel,
    /// The running attempt is to be ended.
    RequestCancel,
    /// To be absent.
    Delete,
    /// Absent already, and now because a caller asked.
    TakeOverDeletion,
    /// Accepted, nothing to write.
    Accept,
    /// Not mentioned by a full run, and to be worked again.
    Missing,
    /// Nobody claims it.
    Pause,
    /// It is claimed again.
    Resume,
    /// The row is removed.
    Purge,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The states it fits.
    pub from: &'static [Phase],
    /// The input it fits.
    pub input: Input,
    /// What must hold besides.
    pub when: &'static [Condition],
    /// Where it leads.
    pub to: To,
    /// What else it does.
    pub effect: Effect,
}

impl Rule {
    /// Whether it fits.
    #[must_use]
    pub fn fits(&self, input: Input, facts: &Facts) -> bool {
        self.input == input
            && self.from.contains(&facts.phase)
            && self.when.iter().all(|condition| condition.holds(facts))
    }
}
