//! Claims, heartbeats, settlements and rescues, for every state.

use std::time::Duration;

use delta_core::plan::Report;
use delta_core::transition::Effect;
use delta_core::{
    AttemptError, DeletedBy, EventDraft, EventKind, Lease, LeaseToken, Owner, Reason, Rejection, Resource, ResourceId,
    RunAt, Settle, Settlement, State, Timestamp,
};

use crate::case::{Asks, Case, Gives, check, given, given_none, not_due};
use crate::rows::{
    NOW, TOKEN, archived, at, degraded, deleted, event, expired, failed, moved, paused, pending, scheduled, synced,
    unknown, unwanted, vanished, with,
};

#[test]
fn attempts_give_what_is_written_by_hand() {
    check(&cases());
}

pub(crate) fn cases() -> Vec<Case> {
    [claims(), heartbeats(), settlements(), moved_settlements(), lost_settlements(), rescues()]
        .into_iter()
        .flatten()
        .collect()
}

fn claims() -> Vec<Case> {
    // Generation and attempt are the row's to give.
    let (token, owner, until) = (LeaseToken::new(777), Owner::new(8), at(60));
    let lease = Lease { token, generation: -1, attempt: -1, owner, until, cancel_requested: true };
    let claim = || Asks::Claim(lease);
    let under_lease = move |row: &mut Resource, attempt| {
        row.state = State::Pending;
        row.state_since = NOW;
        row.attempted_at = Some(NOW);
        row.updated_at = NOW;
        row.attempt = attempt;
        row.version = 41;
        row.run_at = None;
        row.lease = Some(Lease { generation: 3, attempt, cancel_requested: false, ..lease });
    };
    let refused = |name, row| given(name, row).asks(claim(), Effect::Reject).gives(Gives::NotClaimed);
    vec![
        given_none("nothing can be claimed").asks(claim(), Effect::Reject).unplanned(),
        given("scheduled is claimed for its first attempt", scheduled())
            .asks(claim(), Effect::Claim)
            .claims(|row| under_lease(row, 1)),
        given("failed is claimed for its next attempt", failed())
            .asks(claim(), Effect::Claim)
            .claims(|row| under_lease(row, 3)),
        given("expired is claimed", expired()).asks(claim(), Effect::Claim).claims(|row| under_lease(row, 1)),
        given("what is wanted absent is claimed", unwanted(scheduled()))
            .asks(claim(), Effect::Claim)
            .claims(|row| under_lease(row, 1)),
        given("what is due right now is claimed", with(scheduled(), |row| row.run_at = Some(NOW)))
            .asks(claim(), Effect::Claim)
            .claims(|row| under_lease(row, 1)),
        refused(
            "what is due in a microsecond is not claimed",
            with(scheduled(), |row| row.run_at = Some(NOW + Duration::from_micros(1))),
        ),
        refused("what waits for its back-off is not claimed", with(failed(), |row| row.run_at = Some(at(1)))),
        refused("expired for later is not claimed", with(expired(), |row| row.run_at = Some(at(1)))),
        refused("paused is not claimed while scheduled", paused(scheduled())),
        refused("paused is not claimed after a failure", paused(failed())),
        refused("paused is not claimed while expired", paused(expired())),
        refused("pending is not claimed twice", with(pending(), |row| row.run_at = Some(at(-10)))),
        refused("pending is not claimed when its lease is over: it is rescued", over(pending())),
        refused("synced is not claimed", with(synced(), |row| row.run_at = Some(at(-10)))),
        refused("degraded is not claimed", with(degraded(), |row| row.run_at = Some(at(-10)))),
        refused("deleted is not claimed", with(deleted(DeletedBy::Worker), |row| row.run_at = Some(at(-10)))),
        refused("another version's row is not claimed", with(unknown(), |row| row.run_at = Some(at(-10)))),
    ]
}

fn heartbeats() -> Vec<Case> {
    let lost = |name, row| given(name, row).asks(Asks::Heartbeat(TOKEN), Effect::Lost).unplanned();
    vec![
        given_none("a purged row has no lease to renew").asks(Asks::Heartbeat(TOKEN), Effect::Lost).unplanned(),
        given("the holder renews", pending()).asks(Asks::Heartbeat(TOKEN), Effect::Heartbeat).unplanned(),
        given("the holder renews though the generation moved", moved())
            .asks(Asks::Heartbeat(TOKEN), Effect::Heartbeat)
            .unplanned(),
        given("the holder renews a lease that is over and that nobody rescued", over(pending()))
            .asks(Asks::Heartbeat(TOKEN), Effect::Heartbeat)
            .unplanned(),
        given("the holder of an earlier lease has lost", pending())
            .asks(Asks::Heartbeat(LeaseToken::new(98)), Effect::Lost)
            .unplanned(),
        lost("scheduled has no lease to renew", scheduled()),
        lost("synced has no lease to renew", synced()),
        lost("expired has no lease to renew", expired()),
        lost("failed has no lease to renew", failed()),
        lost("degraded has no lease to renew", degraded()),
        lost("deleted has no lease to renew", deleted(DeletedBy::Worker)),
        lost("another version's row has no lease to renew", unknown()),
    ]
}

fn over(mut row: Resource) -> Resource {
    row.lease.as_mut().unwrap().until = at(-1);
    row
}

/// Somebody has asked for the attempt to be ended.
fn cancelling(mut row: Resource) -> Resource {
    row.lease.as_mut().unwrap().cancel_requested = true;
    row
}

/// Its second attempt is its last.
fn last(row: Resource) -> Resource {
    Resource { max_attempts: Some(2), ..row }
}

fn failure(backtrace: Option<&str>) -> Report {
    let (message, backtrace) = ("no route to host".to_owned(), backtrace.map(str::to_owned));
    Report::Failed { message, backtrace, retry_in: Duration::from_secs(8) }
}

fn permanent() -> Report {
    Report::Permanent { message: "no such customer".to_owned() }
}

fn vanished_outside(reason: Option<&str>) -> Report {
    Report::Delete { reason: reason.map(str::to_owned) }
}

fn error(message: &str, backtrace: Option<&str>) -> AttemptError {
    let (message, backtrace) = (message.to_owned(), backtrace.map(str::to_owned));
    AttemptError { at: NOW, generation: 3, attempt: 2, message, backtrace }
}

fn settlement(state: State, run_at: RunAt, events: Vec<EventDraft>) -> Settlement {
    Settlement { state, attempt: None, run_at, synced_generation: None, deleted_by: None, events }
}

/// The attempt's own event: of the lease's generation and attempt.
fn own(kind: EventKind) -> EventDraft {
    event(kind, 3, 2)
}

/// What follows if the generation moved: the row as it then is says which one becomes claimable.
fn rerun(run_at: RunAt, own: Vec<EventDraft>) -> Settlement {
    let again =
        EventDraft { kind: EventKind::Scheduled(Reason::Rerun), generation: None, attempt: None, with_object: false };
    settlement(State::Scheduled, run_at, own.into_iter().chain([again]).collect())
}

fn asked_or_now() -> RunAt {
    RunAt::AskedOr(NOW)
}

fn ends(error: Option<AttemptError>, unmoved: Settlement, moved: Settlement) -> Settle {
    Settle { id: ResourceId::new(7), token: TOKEN, over_at: None, error, unmoved, moved }
}

fn synced_ends() -> Settle {
    ends(
        None,
        Settlement {
            synced_generation: Some(3),
            ..settlement(State::Synced, RunAt::Never, vec![own(EventKind::Synced)])
        },
        Settlement { synced_generation: Some(3), ..rerun(asked_or_now(), vec![own(EventKind::Synced)]) },
    )
}

fn failed_ends(backtrace: Option<&str>) -> Settle {
    ends(
        Some(error("no route to host", backtrace)),
        settlement(State::Failed, RunAt::At(at(8)), vec![own(EventKind::Failed)]),
        rerun(asked_or_now(), vec![own(EventKind::Failed)]),
    )
}

fn gives_up(message: &str) -> Settle {
    ends(
        Some(error(message, None)),
        settlement(State::Degraded, RunAt::Never, vec![own(EventKind::Failed)]),
        rerun(asked_or_now(), vec![own(EventKind::Failed)]),
    )
}

fn deleted_settlement(by: DeletedBy) -> Settlement {
    Settlement {
        synced_generation: Some(3),
        deleted_by: Some(by),
        ..settlement(State::Deleted, RunAt::Never, vec![own(EventKind::Deleted)])
    }
}

/// `delete` succeeded.
fn gone_ends(by: DeletedBy) -> Settle {
    Settle { unmoved: deleted_settlement(by), ..synced_ends() }
}

/// The worker found that the object is gone.
fn found_gone_ends(by: DeletedBy, reason: Option<&str>) -> Settle {
    let error = reason.map(|reason| error(reason, None));
    ends(error, deleted_settlement(by), rerun(asked_or_now(), vec![]))
}

/// Put off: the attempt is given back.
fn put_off(reason: Reason, until: Timestamp) -> Settle {
    ends(
        None,
        Settlement {
            attempt: Some(1),
            ..settlement(State::Scheduled, RunAt::At(until), vec![event(EventKind::Scheduled(reason), 3, 1)])
        },
        rerun(asked_or_now(), vec![]),
    )
}

fn settlements() -> Vec<Case> {
    let settle = |report| Asks::Settle(TOKEN, report);
    vec![
        given("pending and in step is synced", pending())
            .asks(settle(Report::Synced), Effect::Synced)
            .settles(synced_ends()),
        given("a lease that is over and that nobody rescued still settles", over(pending()))
            .asks(settle(Report::Synced), Effect::Synced)
            .settles(synced_ends()),
        given("what was paused meanwhile settles", paused(pending()))
            .asks(settle(Report::Synced), Effect::Synced)
            .settles(synced_ends()),
        given("what is unwanted and in step is deleted", unwanted(pending()))
            .asks(settle(Report::Synced), Effect::Deleted)
            .settles(gone_ends(DeletedBy::Request)),
        given("what vanished and is in step is deleted", vanished(pending()))
            .asks(settle(Report::Synced), Effect::Deleted)
            .settles(gone_ends(DeletedBy::Missing)),
        given("what the worker finds gone is deleted by it", pending())
            .asks(settle(vanished_outside(None)), Effect::Deleted)
            .settles(found_gone_ends(DeletedBy::Worker, None)),
        given("the reason of a deletion is kept", pending())
            .asks(settle(vanished_outside(Some("account closed"))), Effect::Deleted)
            .settles(found_gone_ends(DeletedBy::Worker, Some("account closed"))),
        given("what the worker finds gone and is unwanted is deleted by request", unwanted(pending()))
            .asks(settle(vanished_outside(None)), Effect::Deleted)
            .settles(found_gone_ends(DeletedBy::Request, None)),
        given("what the worker finds gone and vanished is deleted by missing", vanished(pending()))
            .asks(settle(vanished_outside(None)), Effect::Deleted)
            .settles(found_gone_ends(DeletedBy::Missing, None)),
        given("a failure with attempts left waits for its back-off", pending())
            .asks(settle(failure(None)), Effect::Failed)
            .settles(failed_ends(None)),
        given("a panic's backtrace is kept", pending())
            .asks(settle(failure(Some("at main.rs:1"))), Effect::Failed)
            .settles(failed_ends(Some("at main.rs:1"))),
        given("a failure before the last attempt waits", with(pending(), |row| row.max_attempts = Some(3)))
            .asks(settle(failure(None)), Effect::Failed)
            .settles(failed_ends(None)),
        given("a failure with unlimited attempts waits", with(pending(), |row| row.max_attempts = None))
            .asks(settle(failure(None)), Effect::Failed)
            .settles(failed_ends(None)),
        given("a failure of the last attempt gives up", last(pending()))
            .asks(settle(failure(None)), Effect::GiveUp)
            .settles(gives_up("no route to host")),
        given("a failed deletion of the last attempt gives up", last(unwanted(pending())))
            .asks(settle(failure(None)), Effect::GiveUp)
            .settles(gives_up("no route to host")),
        given("a permanent failure gives up, whatever is left", pending())
            .asks(settle(permanent()), Effect::GiveUp)
            .settles(gives_up("no such customer")),
        given("a snooze gives the attempt back, for later", pending())
            .asks(settle(Report::Snooze(Duration::from_secs(50))), Effect::Snooze)
            .settles(put_off(Reason::Snoozed, at(50))),
        given("a snooze of the last attempt gives it back too", last(pending()))
            .asks(settle(Report::Snooze(Duration::from_secs(50))), Effect::Snooze)
            .settles(put_off(Reason::Snoozed, at(50))),
        given("a release gives the attempt back, for now", pending())
            .asks(settle(Report::Released(Duration::ZERO)), Effect::Release)
            .settles(put_off(Reason::Released, NOW)),
        given("what does not decode is released for a minute later", last(pending()))
            .asks(settle(Report::Released(Duration::from_mins(1))), Effect::Release)
            .settles(put_off(Reason::Released, at(60))),
    ]
}

/// Whatever is reported, the row becomes scheduled again. The plan is the one for the row as it was claimed: both outcomes
/// are in it, so these differ from [`settlements`] by what the table says only.
fn moved_settlements() -> Vec<Case> {
    let settle = |report| Asks::Settle(TOKEN, report);
    vec![
        given("in step, but changed meanwhile, runs again", moved())
            .asks(settle(Report::Synced), Effect::Rerun)
            .settles(synced_ends()),
        given("gone, but asked for again meanwhile, runs again", unwanted(moved()))
            .asks(settle(Report::Synced), Effect::Rerun)
            .settles(gone_ends(DeletedBy::Request)),
        given("failed, but changed meanwhile, runs again", moved())
            .asks(settle(failure(None)), Effect::Rerun)
            .settles(failed_ends(None)),
        given("failed for the last time, but changed meanwhile, runs again", last(moved()))
            .asks(settle(failure(None)), Effect::Rerun)
            .settles(gives_up("no route to host")),
        given("failed for good, but changed meanwhile, runs again", moved())
            .asks(settle(permanent()), Effect::Rerun)
            .settles(gives_up("no such customer")),
        given("found gone, but changed meanwhile, runs again", moved())
            .asks(settle(vanished_outside(None)), Effect::Rerun)
            .settles(found_gone_ends(DeletedBy::Worker, None)),
        given("snoozed, but changed meanwhile, runs again without the delay", moved())
            .asks(settle(Report::Snooze(Duration::from_secs(50))), Effect::Rerun)
            .settles(put_off(Reason::Snoozed, at(50))),
        given("released, but changed meanwhile, runs again", moved())
            .asks(settle(Report::Released(Duration::ZERO)), Effect::Rerun)
            .settles(put_off(Reason::Released, NOW)),
    ]
}

fn lost_settlements() -> Vec<Case> {
    let settle = || Asks::Settle(TOKEN, Report::Synced);
    let lost = |name, row, state| given(name, row).asks(settle(), Effect::Lost).refused(Rejection::Lost(state));
    vec![
        given_none("a purged row is not settled").asks(settle(), Effect::Lost).unplanned(),
        given("pending under a later lease is not settled", pending())
            .asks(Asks::Settle(LeaseToken::new(98), Report::Synced), Effect::Lost)
            .unplanned(),
        given("pending under a later lease is not settled though its generation moved", moved())
            .asks(Asks::Settle(LeaseToken::new(98), permanent()), Effect::Lost)
            .unplanned(),
        lost("scheduled is not settled", scheduled(), State::Scheduled),
        lost("synced is not settled", synced(), State::Synced),
        lost("expired is not settled", expired(), State::Expired),
        lost("failed is not settled", failed(), State::Failed),
        lost("degraded is not settled", degraded(), State::Degraded),
        lost("deleted is not settled", deleted(DeletedBy::Worker), State::Deleted),
        lost("another version's row is not settled", unknown(), archived()),
        lost(
            "another version's row is not settled though it has a lease",
            Resource { state: archived(), ..pending() },
            archived(),
        ),
    ]
}

fn rescues() -> Vec<Case> {
    let message = "attempt 2 was lost: its lease was over at 2023-11-14T22:13:19.000000Z and was not renewed";
    let rescued = |unmoved| Settle {
        over_at: Some(NOW),
        ..ends(Some(error(message, None)), unmoved, rerun(RunAt::At(NOW), vec![own(EventKind::Failed)]))
    };
    let failed_now = || settlement(State::Failed, RunAt::At(NOW), vec![own(EventKind::Failed)]);
    let gave_up = || settlement(State::Degraded, RunAt::Never, vec![own(EventKind::Failed)]);
    let refused = |name, row, state| given(name, row).refuses(Asks::Rescue, not_due(state));
    vec![
        given_none("nothing can be rescued").asks(Asks::Rescue, Effect::Reject).unplanned(),
        given("a lost attempt counts, and the next may begin at once", over(pending()))
            .asks(Asks::Rescue, Effect::Failed)
            .settles(rescued(failed_now())),
        given("a lost attempt of what is unwanted counts as well", over(unwanted(pending())))
            .asks(Asks::Rescue, Effect::Failed)
            .settles(rescued(failed_now())),
        given("paused is rescued", over(paused(pending())))
            .asks(Asks::Rescue, Effect::Failed)
            .settles(rescued(failed_now())),
        given("a lost last attempt gives up", over(last(pending())))
            .asks(Asks::Rescue, Effect::GiveUp)
            .settles(rescued(gave_up())),
        given("a lost attempt that was to be cancelled gives up", over(cancelling(pending())))
            .asks(Asks::Rescue, Effect::GiveUp)
            .settles(rescued(gave_up())),
        given(
            "a lost attempt that was to be cancelled runs again if what is wanted changed",
            over(cancelling(moved())),
        )
        .asks(Asks::Rescue, Effect::Rerun)
        .settles(rescued(gave_up())),
        given("a lost attempt of what changed meanwhile runs again now, whenever asked for", over(moved()))
            .asks(Asks::Rescue, Effect::Rerun)
            .settles(rescued(failed_now())),
        given("a lost last attempt of what changed meanwhile runs again", over(last(moved())))
            .asks(Asks::Rescue, Effect::Rerun)
            .settles(rescued(gave_up())),
        given("a lease that ends right now is over", with(pending(), |row| row.lease.as_mut().unwrap().until = NOW))
            .asks(Asks::Rescue, Effect::Failed)
            .settles(Settle {
                error: Some(error(
                    "attempt 2 was lost: its lease was over at 2023-11-14T22:13:20.000000Z and was not renewed",
                    None,
                )),
                ..rescued(failed_now())
            }),
        refused(
            "a lease that ends in a microsecond is not over",
            with(pending(), |row| row.lease.as_mut().unwrap().until = NOW + Duration::from_micros(1)),
            State::Pending,
        ),
        refused("a live attempt whose generation moved is not rescued", moved(), State::Pending),
        refused("scheduled has nothing to rescue", scheduled(), State::Scheduled),
        refused("synced has nothing to rescue", synced(), State::Synced),
        refused("expired has nothing to rescue", expired(), State::Expired),
        refused("failed has nothing to rescue", failed(), State::Failed),
        refused("degraded has nothing to rescue", degraded(), State::Degraded),
        refused("deleted has nothing to rescue", deleted(DeletedBy::Worker), State::Deleted),
        refused("another version's row is not rescued", unknown(), archived()),
        refused(
            "another version's row is not rescued though its lease is over",
            Resource { state: archived(), ..over(pending()) },
            archived(),
        ),
    ]
}
