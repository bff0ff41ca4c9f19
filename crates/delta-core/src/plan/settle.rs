use std::time::Duration;

use crate::changeset::{Change, RunAt, Settle, Settlement};
use crate::event::{EventDraft, EventKind, Reason};
use crate::lease::Lease;
use crate::plan::edit::draft;
use crate::resource::{AttemptError, DeletedBy, Resource};
use crate::settings::EventObjects;
use crate::state::State;
use crate::timestamp::Timestamp;
use crate::transition::{Effect, Facts, Input, Rejection, ReportKind, find};

/// The longest delay, a hundred years: what is longer (`Duration::MAX`, say) means "never" as well, and must stay a time
/// that every database can store.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// What the end of an attempt reports. A delay of more than a hundred years counts as that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// In step: the object is as it should be, or gone as it should be.
    Synced,
    /// Failed; to be tried again after the delay, if attempts are left.
    Failed {
        /// What went wrong.
        message: String,
        /// The backtrace of a panic.
        backtrace: Option<String>,
        /// The delay.
        retry_in: Duration,
    },
    /// Failed for good.
    Permanent {
        /// What went wrong.
        message: String,
    },
    /// The object is gone outside.
    Delete {
        /// Why, to be kept with the resource's errors.
        reason: Option<String>,
    },
    /// Not yet: later, without using up an attempt.
    Snooze(Duration),
    /// Given back after the delay, without using up an attempt.
    Released(Duration),
}

impl Report {
    fn kind(&self) -> ReportKind {
        match self {
            Self::Synced => ReportKind::Synced,
            Self::Failed { .. } => ReportKind::Failed,
            Self::Permanent { .. } => ReportKind::Permanent,
            Self::Delete { .. } => ReportKind::Delete,
            Self::Snooze(_) => ReportKind::Snooze,
            Self::Released(_) => ReportKind::Released,
        }
    }

    fn error(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::Failed { message, backtrace, .. } => Some((message, backtrace.as_deref())),
            Self::Permanent { message } => Some((message, None)),
            Self::Delete { reason } => reason.as_deref().map(|reason| (reason, None)),
            Self::Synced | Self::Snooze(_) | Self::Released(_) => None,
        }
    }

    fn delay(&self) -> Duration {
        match self {
            Self::Failed { retry_in: delay, .. } | Self::Snooze(delay) | Self::Released(delay) => (*delay).min(LONGEST),
            _ => Duration::ZERO,
        }
    }

    /// The attempt's own event; nothing happened in a snooze or a release.
    fn event(&self) -> Option<EventKind> {
        match self {
            Self::Synced => Some(EventKind::Synced),
            Self::Failed { .. } | Self::Permanent { .. } => Some(EventKind::Failed),
            Self::Delete { .. } | Self::Snooze(_) | Self::Released(_) => None,
        }
    }
}

/// Ends the attempt that `row` was claimed for, as its holder reports.
///
/// # Errors
///
/// [`Rejection::Lost`] if the row carries no lease.
pub fn settle(row: &Resource, report: &Report, objects: EventObjects, now: Timestamp) -> Result<Change, Rejection> {
    end(Input::Settle, row, report, objects, now)
}

/// Ends an attempt whose lease is over: it counts and is recorded, and the next one may begin at once.
///
/// # Errors
///
/// [`Rejection::NotDue`] if the row is not pending or its lease is not over.
pub fn rescue(row: &Resource, objects: EventObjects, now: Timestamp) -> Result<Change, Rejection> {
    let message = match row.lease {
        Some(lease) => {
            format!("attempt {} was lost: its lease was over at {} and was not renewed", lease.attempt, lease.until)
        }
        None => return Err(Rejection::NotDue(row.state.clone())),
    };
    end(Input::Rescue, row, &Report::Failed { message, backtrace: None, retry_in: Duration::ZERO }, objects, now)
}

fn end(
    input: Input,
    row: &Resource,
    report: &Report,
    objects: EventObjects,
    now: Timestamp,
) -> Result<Change, Rejection> {
    let refused = || match input {
        Input::Rescue => Rejection::NotDue(row.state.clone()),
        _ => Rejection::Lost(row.state.clone()),
    };
    let lease = row.lease.ok_or_else(refused)?;
    let facts = Facts {
        lease_held: true,
        report: report.kind(),
        attempts_left: row.max_attempts.is_none_or(|max| lease.attempt < max),
        ..Facts::of(Some(row), now)
    };
    let both = Both { input, row, lease, report, objects, now };
    let settlement = |moved| {
        let rule = find(input, &Facts { moved, ..facts.clone() });
        both.settlement(rule.effect)
    };
    let (Some(unmoved), Some(moved)) = (settlement(false), settlement(true)) else {
        return Err(refused());
    };
    let error = report.error().map(|(message, backtrace)| AttemptError {
        at: now,
        generation: lease.generation,
        attempt: lease.attempt,
        message: AttemptError::clip(message),
        backtrace: backtrace.map(AttemptError::clip),
    });
    let over_at = (input == Input::Rescue).then_some(now);
    Ok(Change::Settle(Box::new(Settle { id: row.id, token: lease.token, over_at, error, unmoved, moved })))
}

struct Both<'a> {
    input: Input,
    row: &'a Resource,
    lease: Lease,
    report: &'a Report,
    objects: EventObjects,
    now: Timestamp,
}

impl Both<'_> {
    fn settlement(&self, effect: Effect) -> Option<Settlement> {
        let plain = |state, events| Settlement {
            state,
            attempt: None,
            run_at: RunAt::Never,
            synced_generation: None,
            deleted_by: None,
            events,
        };
        let finished = Some(self.lease.generation);
        let later = RunAt::At(self.now + self.report.delay());
        // The attempt that was given back did not happen.
        let given_back = Some(self.lease.attempt - 1);
        Some(match effect {
            Effect::Synced => {
                Settlement { synced_generation: finished, ..plain(State::Synced, self.own(EventKind::Synced)) }
            }
            Effect::Failed => Settlement { run_at: later, ..plain(State::Failed, self.own(EventKind::Failed)) },
            Effect::GiveUp => plain(State::Degraded, self.own(EventKind::Failed)),
            Effect::Deleted => Settlement {
                synced_generation: finished,
                deleted_by: Some(self.row.desired.absent_by().map_or(DeletedBy::Worker, DeletedBy::from)),
                ..plain(State::Deleted, self.own(EventKind::Deleted))
            },
            Effect::Snooze | Effect::Release => {
                let reason = if effect == Effect::Snooze { Reason::Snoozed } else { Reason::Released };
                let event = draft(EventKind::Scheduled(reason), Some(self.lease.generation), given_back, self.objects);
                Settlement { attempt: given_back, run_at: later, ..plain(State::Scheduled, vec![event]) }
            }
            Effect::Rerun => {
                let mut events = self.report.event().map_or_else(Vec::new, |kind| self.own(kind));
                events.push(draft(EventKind::Scheduled(Reason::Rerun), None, None, self.objects));
                let run_at = if self.input == Input::Rescue { RunAt::At(self.now) } else { RunAt::AskedOr(self.now) };
                let synced_generation = finished.filter(|_| *self.report == Report::Synced);
                Settlement { run_at, synced_generation, ..plain(State::Scheduled, events) }
            }
            _ => return None,
        })
    }

    fn own(&self, kind: EventKind) -> Vec<EventDraft> {
        vec![draft(kind, Some(self.lease.generation), Some(self.lease.attempt), self.objects)]
    }
}
