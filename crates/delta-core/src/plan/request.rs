use crate::changeset::{Change, LeaseWrite};
use crate::event::{EventKind, Reason};
use crate::plan::edit::Edit;
use crate::plan::sweep::due_again;
use crate::resource::{AbsentBy, AttemptError, DeletedBy, Desired, Resource};
use crate::settings::EventObjects;
use crate::state::State;
use crate::timestamp::Timestamp;
use crate::transition::{Effect, Facts, Input, Rejection, find};

/// What a retry by request does with the idempotency key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdempotencyKey {
    /// Keeps it: the last try may have done it.
    #[default]
    Keep,
    /// Takes a fresh one: the generation counts up.
    Fresh,
}

/// The change that a request asks for; `None` if it is accepted and there is nothing to write.
type Requested = Result<Option<Change>, Rejection>;

fn decide(
    input: Input,
    row: Resource,
    objects: EventObjects,
    now: Timestamp,
    apply: impl FnOnce(Effect, &mut Edit),
) -> Requested {
    if let State::Unknown(_) = row.state {
        return Err(Rejection::UnknownState(row.state));
    }
    let effect = find(input, &Facts::of(Some(&row), now)).effect;
    match effect {
        Effect::Accept => Ok(None),
        Effect::Reject => Err(match input {
            Input::Invalidate => Rejection::NotSynced(row.state),
            Input::Retry => Rejection::NotRetryable(row.state),
            Input::Cancel => Rejection::NotCancellable(row.state),
            _ => Rejection::NotDue(row.state),
        }),
        _ => {
            let mut edit = Edit::of(row, objects);
            apply(effect, &mut edit);
            Ok(edit.finish(now))
        }
    }
}

/// Has a synced resource worked again.
///
/// # Errors
///
/// [`Rejection::NotSynced`], [`Rejection::UnknownState`].
pub fn invalidate(row: Resource, objects: EventObjects, now: Timestamp) -> Requested {
    decide(Input::Invalidate, row, objects, now, |_, edit| due_again(edit, Reason::Requested, now))
}

/// Has a failed or degraded resource tried again at once, from its first attempt.
///
/// # Errors
///
/// [`Rejection::NotRetryable`], [`Rejection::UnknownState`].
pub fn retry(row: Resource, key: IdempotencyKey, objects: EventObjects, now: Timestamp) -> Requested {
    decide(Input::Retry, row, objects, now, |_, edit| {
        if key == IdempotencyKey::Fresh {
            edit.row.generation += 1;
        }
        edit.row.attempt = 0;
        edit.row.run_at = Some(now);
        edit.enter(State::Scheduled, now);
        edit.event(EventKind::Scheduled(Reason::Retried));
    })
}

/// Has a resource give up: at once if it waits, within a heartbeat if it runs.
///
/// # Errors
///
/// [`Rejection::NotCancellable`], [`Rejection::UnknownState`].
pub fn cancel(row: Resource, objects: EventObjects, now: Timestamp) -> Requested {
    decide(Input::Cancel, row, objects, now, |effect, edit| {
        if effect == Effect::RequestCancel {
            edit.touch();
            edit.lease = LeaseWrite::RequestCancel;
            return;
        }
        edit.error = Some(AttemptError {
            at: now,
            generation: edit.row.generation,
            attempt: edit.row.attempt,
            message: "cancelled".to_owned(),
            backtrace: None,
        });
        edit.row.run_at = None;
        edit.enter(State::Degraded, now);
        edit.event(EventKind::Failed);
    })
}

/// Wants the object to be absent.
///
/// # Errors
///
/// [`Rejection::UnknownState`].
pub fn request_deletion(row: Resource, by: AbsentBy, objects: EventObjects, now: Timestamp) -> Requested {
    if let State::Unknown(_) = row.state {
        return Err(Rejection::UnknownState(row.state));
    }
    let facts = Facts { asked_by: by, ..Facts::of(Some(&row), now) };
    let effect = find(Input::RequestDeletion, &facts).effect;
    let mut edit = Edit::of(row, objects);
    match effect {
        Effect::Delete => {
            edit.row.desired = Desired::Absent(by);
            if by == AbsentBy::Missing {
                edit.join_bulk();
            }
            edit.next_generation(now, now, Reason::Deletion);
        }
        Effect::TakeOverDeletion => {
            edit.touch();
            edit.row.desired = Desired::Absent(by);
            edit.row.deleted_by = Some(DeletedBy::from(by));
        }
        _ => {}
    }
    Ok(edit.finish(now))
}

/// Keeps everybody from claiming the resource.
///
/// # Errors
///
/// [`Rejection::UnknownState`].
pub fn pause(row: Resource, objects: EventObjects, now: Timestamp) -> Requested {
    decide(Input::Pause, row, objects, now, |_, edit| {
        edit.touch();
        edit.row.paused = true;
        edit.event(EventKind::Paused);
    })
}

/// Lets the resource be claimed again.
///
/// # Errors
///
/// [`Rejection::UnknownState`].
pub fn resume(row: Resource, objects: EventObjects, now: Timestamp) -> Requested {
    decide(Input::Resume, row, objects, now, |_, edit| {
        edit.touch();
        edit.row.paused = false;
        edit.event(EventKind::Resumed);
    })
}
