use std::time::Duration;

use crate::changeset::{Change, Remove};
use crate::event::{EventKind, Reason};
use crate::plan::edit::{Edit, draft};
use crate::plan::inform::InformPolicy;
use crate::resource::Resource;
use crate::settings::{EventObjects, Retention};
use crate::state::State;
use crate::timestamp::Timestamp;
use crate::transition::{Effect, Facts, Input, Rejection, find};

/// Has a synced resource worked again because it was synced longer than `expiry` ago.
///
/// # Errors
///
/// [`Rejection::NotDue`] if it is not synced, or not for that long.
pub fn expire(row: Resource, expiry: Duration, objects: EventObjects, now: Timestamp) -> Result<Change, Rejection> {
    let period_over = row.synced_at.is_some_and(|at| now.since(at) >= expiry && at <= now);
    let facts = Facts { period_over, ..Facts::of(Some(&row), now) };
    if find(Input::Expire, &facts).effect != Effect::Expire {
        return Err(Rejection::NotDue(row.state));
    }
    let mut edit = Edit::of(row, objects);
    edit.join_bulk();
    due_again(&mut edit, Reason::Expired, now);
    finished(edit, now)
}

/// What expiry and invalidation do alike.
pub(super) fn due_again(edit: &mut Edit, reason: Reason, now: Timestamp) {
    edit.row.generation += 1;
    edit.row.attempt = 0;
    edit.row.run_at = Some(now);
    edit.enter(State::Expired, now);
    edit.event(EventKind::Expired);
    edit.event(EventKind::Scheduled(reason));
}

/// Has a synced resource that a full run did not mention worked again.
///
/// # Errors
///
/// [`Rejection::NotSynced`] if it is not synced.
pub fn missing_work(row: Resource, policy: &InformPolicy, now: Timestamp) -> Result<Change, Rejection> {
    if find(Input::Missing, &Facts::of(Some(&row), now)).effect != Effect::Missing {
        return Err(Rejection::NotSynced(row.state));
    }
    let mut edit = Edit::of(row, policy.event_objects);
    edit.join_bulk();
    edit.next_generation(now, now, Reason::Missing);
    finished(edit, now)
}

/// Removes a row whose retention is over.
///
/// # Errors
///
/// [`Rejection::NotDue`] if it is not in a state to be removed, or not for that long.
pub fn purge(row: &Resource, retention: Retention, objects: EventObjects, now: Timestamp) -> Result<Change, Rejection> {
    let period = match row.state {
        State::Deleted => retention.deleted,
        State::Degraded => retention.degraded,
        State::Synced => retention.synced,
        _ => None,
    };
    let period_over = period.is_some_and(|period| row.state_since <= now && now.since(row.state_since) >= period);
    let facts = Facts { period_over, ..Facts::of(Some(row), now) };
    if find(Input::Purge, &facts).effect != Effect::Purge {
        return Err(Rejection::NotDue(row.state.clone()));
    }
    let events = vec![draft(EventKind::Purged, None, None, objects)];
    Ok(Change::Remove(Remove { id: row.id, version: row.version, events }))
}

pub(super) fn finished(edit: Edit, now: Timestamp) -> Result<Change, Rejection> {
    let state = edit.row.state.clone();
    edit.finish(now).ok_or(Rejection::NotDue(state))
}
