use crate::transition::facts::{Facts, ReportKind};
use crate::transition::rule::{Condition, Effect, Input, Phase, Rule, To};

use Condition as C;
use Effect as E;
use Input as I;
use Phase::{Degraded, Deleted, Expired, Failed, None, Pending, Scheduled, Synced, Unknown};

const KNOWN: &[Phase] = &[Scheduled, Pending, Synced, Expired, Failed, Degraded, Deleted];
const NOT_DELETED: &[Phase] = &[Scheduled, Pending, Synced, Expired, Failed, Degraded];
const RESTING: &[Phase] = &[Scheduled, Synced, Expired, Failed, Degraded];
const CLAIMABLE: &[Phase] = &[Scheduled, Failed, Expired];
const ALL: &[Phase] = &Phase::ALL;

const fn rule(from: &'static [Phase], input: Input, when: &'static [Condition], to: To, effect: Effect) -> Rule {
    Rule { from, input, when, to, effect }
}

const fn to(phase: Phase) -> To {
    To::Phase(phase)
}

/// The transitions: the first rule that fits is the one, and no other place names transitions. Every pair of a state and
/// an input finds one; what has no transition ends at the rules that reject.
///
/// Three things hold throughout. A generation more means attempt 0, a new idempotency key and something new to do, and
/// every generation that becomes claimable has exactly one `object_scheduled`. Whatever a running attempt reports, if
/// the generation moved meanwhile, the row becomes scheduled again. Who asked for absence decides who may end it.
pub const TABLE: &[Rule] = &[
    // What another version wrote is left alone.
    rule(&[Unknown], I::Heartbeat, &[], To::Same, E::Lost),
    rule(&[Unknown], I::Settle, &[], To::Same, E::Lost),
    // Inform.
    rule(&[None], I::Inform, &[], to(Scheduled), E::Create),
    rule(KNOWN, I::Inform, &[C::Older, C::NotMissingFound], To::Same, E::Stale),
    rule(KNOWN, I::Inform, &[C::Gone, C::NotMissingFound, C::SkipsDeleted], To::Same, E::SkipDeleted),
    rule(&[Deleted], I::Inform, &[], to(Scheduled), E::Revive),
    rule(NOT_DELETED, I::Inform, &[C::Absent], To::ScheduledOrPending, E::Change),
    rule(RESTING, I::Inform, &[C::Changed], to(Scheduled), E::Change),
    rule(&[Pending], I::Inform, &[C::Changed], to(Pending), E::Change),
    rule(NOT_DELETED, I::Inform, &[C::Unchanged, C::Process], To::ScheduledOrPending, E::Request),
    rule(&[Degraded], I::Inform, &[C::Unchanged, C::SecondChance], to(Scheduled), E::SecondChance),
    rule(NOT_DELETED, I::Inform, &[C::Unchanged], To::Same, E::Unchanged),
    // Attempts.
    rule(CLAIMABLE, I::Claim, &[C::Due, C::NotPaused], to(Pending), E::Claim),
    rule(&[Pending], I::Heartbeat, &[C::LeaseHeld], to(Pending), E::Heartbeat),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Moved], to(Scheduled), E::Rerun),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Reports(ReportKind::Synced), C::Present], to(Synced), E::Synced),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Reports(ReportKind::Synced)], to(Deleted), E::Deleted),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Reports(ReportKind::Delete)], to(Deleted), E::Deleted),
    rule(
        &[Pending],
        I::Settle,
        &[C::LeaseHeld, C::Reports(ReportKind::Failed), C::AttemptsLeft],
        to(Failed),
        E::Failed,
    ),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Reports(ReportKind::Failed)], to(Degraded), E::GiveUp),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Reports(ReportKind::Permanent)], to(Degraded), E::GiveUp),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Reports(ReportKind::Snooze)], to(Scheduled), E::Snooze),
    rule(&[Pending], I::Settle, &[C::LeaseHeld, C::Reports(ReportKind::Released)], to(Scheduled), E::Release),
    rule(&[Pending], I::Rescue, &[C::LeaseOver, C::Moved], to(Scheduled), E::Rerun),
    // The holder died before it could end the attempt as it was asked to.
    rule(&[Pending], I::Rescue, &[C::LeaseOver, C::CancelRequested], to(Degraded), E::GiveUp),
    rule(&[Pending], I::Rescue, &[C::LeaseOver, C::AttemptsLeft], to(Failed), E::Failed),
    rule(&[Pending], I::Rescue, &[C::LeaseOver], to(Degraded), E::GiveUp),
    rule(ALL, I::Settle, &[], To::Same, E::Lost),
    rule(ALL, I::Heartbeat, &[], To::Same, E::Lost),
    // Requests and maintenance.
    rule(&[Synced], I::Expire, &[C::PeriodOver], to(Expired), E::Expire),
    rule(&[Synced], I::Invalidate, &[], to(Expired), E::Invalidate),
    rule(&[Failed, Degraded], I::Retry, &[], to(Scheduled), E::Retry),
    rule(CLAIMABLE, I::Cancel, &[], to(Degraded), E::Cancel),
    rule(&[Pending], I::Cancel, &[], to(Pending), E::RequestCancel),
    rule(NOT_DELETED, I::RequestDeletion, &[C::Present], To::ScheduledOrPending, E::Delete),
    rule(NOT_DELETED, I::RequestDeletion, &[C::AbsentByMissing, C::AskedByRequest], To::ScheduledOrPending, E::Delete),
    rule(&[Degraded], I::RequestDeletion, &[C::Absent, C::AskedByRequest], to(Scheduled), E::Delete),
    rule(&[Deleted], I::RequestDeletion, &[C::DeletedByMissing, C::AskedByRequest], To::Same, E::TakeOverDeletion),
    rule(KNOWN, I::RequestDeletion, &[], To::Same, E::Accept),
    rule(&[Synced], I::Missing, &[], to(Scheduled), E::Missing),
    rule(KNOWN, I::Pause, &[C::NotPaused], To::Same, E::Pause),
    rule(KNOWN, I::Resume, &[C::Paused], To::Same, E::Resume),
    rule(KNOWN, I::Pause, &[], To::Same, E::Accept),
    rule(KNOWN, I::Resume, &[], To::Same, E::Accept),
    rule(&[Deleted, Synced], I::Purge, &[C::PeriodOver], to(None), E::Purge),
    rule(&[Degraded], I::Purge, &[C::Present, C::PeriodOver], to(None), E::Purge),
];

/// Refuses: what no rule of the table fits.
const REJECT: Rule = rule(ALL, I::Inform, &[], To::Same, E::Reject);

/// Finds the first rule that fits, or one whose effect is [`Effect::Reject`].
#[must_use]
pub fn find(input: Input, facts: &Facts) -> &'static Rule {
    TABLE.iter().find(|rule| rule.fits(input, facts)).unwrap_or(&REJECT)
}
