//! What callers ask for, for every state: invalidate, retry, cancel, deletion, pause and resume.

use delta_core::plan::IdempotencyKey;
use delta_core::transition::Effect;
use delta_core::{
    AbsentBy, AttemptError, DeletedBy, Desired, EventKind, LeaseWrite, Priority, Reason, Rejection, State, Update,
};

use crate::case::{Asks, Case, check, given, given_none};
use crate::rows::{
    NOW, archived, at, degraded, deleted, event, event_scheduled, expired, failed, moved, paused, pending, scheduled,
    synced, unknown, unwanted, vanished, with,
};

#[test]
fn requests_give_what_is_written_by_hand() {
    check(&cases());
}

pub(crate) fn cases() -> Vec<Case> {
    [invalidations(), retries(), cancels(), deletions(), missing_deletions(), pauses(), resumes()]
        .into_iter()
        .flatten()
        .collect()
}

fn invalidations() -> Vec<Case> {
    let refused = |name, row, state| given(name, row).refuses(Asks::Invalidate, Rejection::NotSynced(state));
    let expires = |write: &mut Update| {
        write.row.state = State::Expired;
        write.row.state_since = NOW;
        write.row.generation = 4;
        write.row.attempt = 0;
        write.row.run_at = Some(NOW);
        write.events = vec![event(EventKind::Expired, 4, 0), event_scheduled(Reason::Requested, 4)];
    };
    vec![
        given_none("nothing can be invalidated").asks(Asks::Invalidate, Effect::Reject).unplanned(),
        given("synced is worked again, at its priority", synced())
            .asks(Asks::Invalidate, Effect::Invalidate)
            .writes(expires),
        given("paused is invalidated all the same", paused(synced()))
            .asks(Asks::Invalidate, Effect::Invalidate)
            .writes(expires),
        refused("scheduled is not in step", scheduled(), State::Scheduled),
        refused("pending is not in step", pending(), State::Pending),
        refused("expired is not in step already", expired(), State::Expired),
        refused("failed is not in step", failed(), State::Failed),
        refused("degraded is not in step", degraded(), State::Degraded),
        refused("deleted is not invalidated", deleted(DeletedBy::Worker), State::Deleted),
        given("another version's row is not invalidated", unknown())
            .refuses(Asks::Invalidate, Rejection::UnknownState(archived())),
    ]
}

fn retries() -> Vec<Case> {
    let keep = || Asks::Retry(IdempotencyKey::Keep);
    let fresh = || Asks::Retry(IdempotencyKey::Fresh);
    let refused = |name, row, state| given(name, row).refuses(keep(), Rejection::NotRetryable(state));
    let again = |generation: i64| {
        move |write: &mut Update| {
            write.row.state = State::Scheduled;
            write.row.state_since = NOW;
            write.row.generation = generation;
            write.row.attempt = 0;
            write.row.run_at = Some(NOW);
            write.events = vec![event_scheduled(Reason::Retried, generation)];
        }
    };
    vec![
        given_none("nothing can be retried").asks(keep(), Effect::Reject).unplanned(),
        given("failed is tried again under its idempotency key", with(failed(), |row| row.run_at = Some(at(900))))
            .asks(keep(), Effect::Retry)
            .writes(again(3)),
        given("failed is tried again under a fresh idempotency key", failed())
            .asks(fresh(), Effect::Retry)
            .writes(again(4)),
        given("degraded is tried again under its idempotency key", degraded())
            .asks(keep(), Effect::Retry)
            .writes(again(3)),
        given("degraded is tried again under a fresh idempotency key", degraded())
            .asks(fresh(), Effect::Retry)
            .writes(again(4)),
        given("a deletion that gave up is tried again, as a deletion", unwanted(degraded()))
            .asks(keep(), Effect::Retry)
            .writes(again(3)),
        refused("scheduled waits already", scheduled(), State::Scheduled),
        refused("pending runs already", pending(), State::Pending),
        refused("synced has nothing to retry", synced(), State::Synced),
        refused("expired waits already", expired(), State::Expired),
        refused("deleted has nothing to retry", deleted(DeletedBy::Worker), State::Deleted),
        given("another version's row is not retried", unknown()).refuses(keep(), Rejection::UnknownState(archived())),
        given("another version's row is not retried under a fresh key", unknown())
            .refuses(fresh(), Rejection::UnknownState(archived())),
    ]
}

fn cancels() -> Vec<Case> {
    let refused = |name, row, state| given(name, row).refuses(Asks::Cancel, Rejection::NotCancellable(state));
    let gives_up = |attempt: i64| {
        move |write: &mut Update| {
            write.row.state = State::Degraded;
            write.row.state_since = NOW;
            write.row.run_at = None;
            let message = "cancelled".to_owned();
            write.error = Some(AttemptError { at: NOW, generation: 3, attempt, message, backtrace: None });
            write.events = vec![event(EventKind::Failed, 3, attempt)];
        }
    };
    vec![
        given_none("nothing can be cancelled").asks(Asks::Cancel, Effect::Reject).unplanned(),
        given("scheduled gives up", scheduled()).asks(Asks::Cancel, Effect::Cancel).writes(gives_up(0)),
        given("expired gives up", expired()).asks(Asks::Cancel, Effect::Cancel).writes(gives_up(0)),
        given("failed gives up", failed()).asks(Asks::Cancel, Effect::Cancel).writes(gives_up(2)),
        given("a deletion that waits gives up, and stays wanted", unwanted(scheduled()))
            .asks(Asks::Cancel, Effect::Cancel)
            .writes(gives_up(0)),
        given("a running attempt is asked to end", pending())
            .asks(Asks::Cancel, Effect::RequestCancel)
            .writes(|write| write.lease = LeaseWrite::RequestCancel),
        given("a running attempt is asked to end, and what came meanwhile runs", moved())
            .asks(Asks::Cancel, Effect::RequestCancel)
            .writes(|write| write.lease = LeaseWrite::RequestCancel),
        refused("synced has nothing to cancel", synced(), State::Synced),
        refused("degraded gave up already", degraded(), State::Degraded),
        refused("deleted has nothing to cancel", deleted(DeletedBy::Worker), State::Deleted),
        given("another version's row is not cancelled", unknown())
            .refuses(Asks::Cancel, Rejection::UnknownState(archived())),
    ]
}

/// The next generation is a deletion, wanted by whom, and due when.
fn deletion(by: AbsentBy) -> impl Fn(&mut Update) {
    move |write: &mut Update| {
        write.row.desired = Desired::Absent(by);
        write.row.state = State::Scheduled;
        write.row.state_since = NOW;
        write.row.generation = 4;
        write.row.attempt = 0;
        write.row.run_at = Some(NOW);
        write.events = vec![event_scheduled(Reason::Deletion, 4)];
    }
}

/// As [`deletion`], for what is scheduled: it was due before, and keeps its place.
fn deletion_in_place(by: AbsentBy) -> impl Fn(&mut Update) {
    move |write: &mut Update| {
        deletion(by)(write);
        write.row.state_since = at(-100);
        write.row.run_at = Some(at(-10));
    }
}

/// As [`deletion`], for what runs: once more afterwards, without an event.
fn deletion_after(by: AbsentBy) -> impl Fn(&mut Update) {
    move |write: &mut Update| {
        deletion(by)(write);
        write.row.state = State::Pending;
        write.row.state_since = at(-100);
        write.events = Vec::new();
    }
}

fn deletions() -> Vec<Case> {
    let asks = || Asks::RequestDeletion(AbsentBy::Request);
    let request = || deletion(AbsentBy::Request);
    let accepted = |name, row| given(name, row).asks(asks(), Effect::Accept).writes_nothing();
    vec![
        given_none("nothing can be deleted").asks(asks(), Effect::Reject).unplanned(),
        given("scheduled is to be deleted, in its place", scheduled())
            .asks(asks(), Effect::Delete)
            .writes(deletion_in_place(AbsentBy::Request)),
        given("scheduled for later is to be deleted now", with(scheduled(), |row| row.run_at = Some(at(900))))
            .asks(asks(), Effect::Delete)
            .writes(|write| {
                request()(write);
                write.row.state_since = at(-100);
            }),
        given("what runs is to be deleted afterwards", pending())
            .asks(asks(), Effect::Delete)
            .writes(deletion_after(AbsentBy::Request)),
        given("what was to run again later is to be deleted as soon as it may", moved())
            .asks(asks(), Effect::Delete)
            .writes(|write| {
                deletion_after(AbsentBy::Request)(write);
                write.row.generation = 6;
            }),
        given("synced is to be deleted", synced()).asks(asks(), Effect::Delete).writes(request()),
        given("expired is to be deleted", expired()).asks(asks(), Effect::Delete).writes(request()),
        given("failed is to be deleted without waiting", with(failed(), |row| row.run_at = Some(at(900))))
            .asks(asks(), Effect::Delete)
            .writes(request()),
        given("degraded is to be deleted", degraded()).asks(asks(), Effect::Delete).writes(request()),
        given("a vanished one is taken over while scheduled", vanished(scheduled()))
            .asks(asks(), Effect::Delete)
            .writes(deletion_in_place(AbsentBy::Request)),
        given("a vanished one is taken over while its deletion runs", vanished(pending()))
            .asks(asks(), Effect::Delete)
            .writes(deletion_after(AbsentBy::Request)),
        given("a vanished one is taken over after a failure", vanished(failed()))
            .asks(asks(), Effect::Delete)
            .writes(request()),
        given("a vanished one is taken over after it gave up", vanished(degraded()))
            .asks(asks(), Effect::Delete)
            .writes(request()),
        given("a vanished one is taken over though synced", vanished(synced()))
            .asks(asks(), Effect::Delete)
            .writes(request()),
        given("a vanished one is taken over though expired", vanished(expired()))
            .asks(asks(), Effect::Delete)
            .writes(request()),
        given("a deletion that gave up is tried again", unwanted(degraded()))
            .asks(asks(), Effect::Delete)
            .writes(request()),
        given("what missing deleted is deleted by request from now on", deleted(DeletedBy::Missing))
            .asks(asks(), Effect::TakeOverDeletion)
            .writes(|write| {
                write.row.desired = Desired::Absent(AbsentBy::Request);
                write.row.deleted_by = Some(DeletedBy::Request);
            }),
        accepted("to be deleted already, while scheduled", unwanted(scheduled())),
        accepted("to be deleted already, while it runs", unwanted(pending())),
        accepted("to be deleted already, after a failure", unwanted(failed())),
        accepted("to be deleted already, though synced", unwanted(synced())),
        accepted("to be deleted already, though expired", unwanted(expired())),
        accepted("deleted by the worker already", deleted(DeletedBy::Worker)),
        accepted("deleted by request already", deleted(DeletedBy::Request)),
        given("another version's row is not to be deleted", unknown())
            .refuses(asks(), Rejection::UnknownState(archived())),
    ]
}

fn missing_deletions() -> Vec<Case> {
    let asks = || Asks::RequestDeletion(AbsentBy::Missing);
    let accepted = |name, row| given(name, row).asks(asks(), Effect::Accept).writes_nothing();
    let bulk = |change: Box<dyn Fn(&mut Update)>| {
        move |write: &mut Update| {
            change(write);
            write.row.priority = Priority::BULK;
        }
    };
    vec![
        given_none("nothing can be missing").asks(asks(), Effect::Reject).unplanned(),
        given("a missing one is to be deleted in the bulk, from synced", synced())
            .asks(asks(), Effect::Delete)
            .writes(bulk(Box::new(deletion(AbsentBy::Missing)))),
        given(
            "a missing one of the last priority stays behind the bulk",
            with(synced(), |row| row.priority = Priority::LAST),
        )
        .asks(asks(), Effect::Delete)
        .writes(deletion(AbsentBy::Missing)),
        given("a missing one is to be deleted, from scheduled", scheduled())
            .asks(asks(), Effect::Delete)
            .writes(bulk(Box::new(deletion_in_place(AbsentBy::Missing)))),
        given("a missing one is to be deleted after what runs", pending())
            .asks(asks(), Effect::Delete)
            .writes(bulk(Box::new(deletion_after(AbsentBy::Missing)))),
        given("a missing one is to be deleted, from expired", expired())
            .asks(asks(), Effect::Delete)
            .writes(bulk(Box::new(deletion(AbsentBy::Missing)))),
        given("a missing one is to be deleted, from failed", failed())
            .asks(asks(), Effect::Delete)
            .writes(bulk(Box::new(deletion(AbsentBy::Missing)))),
        given("a missing one is to be deleted, from degraded", degraded())
            .asks(asks(), Effect::Delete)
            .writes(bulk(Box::new(deletion(AbsentBy::Missing)))),
        accepted("a run does not take over what a caller wants deleted", unwanted(scheduled())),
        accepted("a run does not take over a caller's deletion that runs", unwanted(pending())),
        accepted("a run does not try again what a caller wants deleted and gave up", unwanted(degraded())),
        accepted("a run does not ask twice", vanished(scheduled())),
        accepted("a run does not try again what gave up", vanished(degraded())),
        accepted("a run leaves what it deleted", deleted(DeletedBy::Missing)),
        accepted("a run leaves what was deleted by request", deleted(DeletedBy::Request)),
        accepted("a run leaves what the worker deleted", deleted(DeletedBy::Worker)),
        given("another version's row is not missing", unknown()).refuses(asks(), Rejection::UnknownState(archived())),
    ]
}

fn pauses() -> Vec<Case> {
    let pauses = |name, row, generation, attempt| {
        given(name, row).asks(Asks::Pause, Effect::Pause).writes(move |write| {
            write.row.paused = true;
            write.events = vec![event(EventKind::Paused, generation, attempt)];
        })
    };
    let already = |name, row| given(name, paused(row)).asks(Asks::Pause, Effect::Accept).writes_nothing();
    vec![
        given_none("nothing can be paused").asks(Asks::Pause, Effect::Reject).unplanned(),
        pauses("scheduled is paused", scheduled(), 3, 0),
        pauses("pending is paused, and goes on", pending(), 3, 2),
        pauses("pending is paused after its generation moved", moved(), 5, 0),
        pauses("synced is paused", synced(), 3, 1),
        pauses("expired is paused", expired(), 3, 0),
        pauses("failed is paused", failed(), 3, 2),
        pauses("degraded is paused", degraded(), 3, 5),
        pauses("deleted is paused", deleted(DeletedBy::Worker), 3, 1),
        already("scheduled is paused already", scheduled()),
        already("pending is paused already", pending()),
        already("synced is paused already", synced()),
        already("expired is paused already", expired()),
        already("failed is paused already", failed()),
        already("degraded is paused already", degraded()),
        already("deleted is paused already", deleted(DeletedBy::Worker)),
        given("another version's row is not paused", unknown())
            .refuses(Asks::Pause, Rejection::UnknownState(archived())),
    ]
}

fn resumes() -> Vec<Case> {
    let resumes = |name, row, generation, attempt| {
        given(name, paused(row)).asks(Asks::Resume, Effect::Resume).writes(move |write| {
            write.row.paused = false;
            write.events = vec![event(EventKind::Resumed, generation, attempt)];
        })
    };
    let already = |name, row| given(name, row).asks(Asks::Resume, Effect::Accept).writes_nothing();
    vec![
        given_none("nothing can be resumed").asks(Asks::Resume, Effect::Reject).unplanned(),
        resumes("scheduled is resumed", scheduled(), 3, 0),
        resumes("pending is resumed", pending(), 3, 2),
        resumes("synced is resumed", synced(), 3, 1),
        resumes("expired is resumed", expired(), 3, 0),
        resumes("failed is resumed", failed(), 3, 2),
        resumes("degraded is resumed", degraded(), 3, 5),
        resumes("deleted is resumed", deleted(DeletedBy::Worker), 3, 1),
        already("scheduled is not paused", scheduled()),
        already("pending is not paused", pending()),
        already("synced is not paused", synced()),
        already("expired is not paused", expired()),
        already("failed is not paused", failed()),
        already("degraded is not paused", degraded()),
        already("deleted is not paused", deleted(DeletedBy::Request)),
        given("another version's row is not resumed", paused(unknown()))
            .refuses(Asks::Resume, Rejection::UnknownState(archived())),
    ]
}
