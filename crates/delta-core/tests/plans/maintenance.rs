//! What the leader and full runs do by themselves, for every state: expire, missing and purge.

use std::time::Duration;

use delta_core::transition::Effect;
use delta_core::{DeletedBy, EventDraft, EventKind, Priority, Reason, Rejection, Retention, State, Update};

use crate::case::{Asks, Case, check, given, given_none, not_due};
use crate::rows::{
    HOUR, NOW, archived, at, degraded, deleted, event, event_scheduled, expired, failed, paused, pending, scheduled,
    synced, unknown, unwanted, vanished, with,
};

#[test]
fn maintenance_gives_what_is_written_by_hand() {
    check(&cases());
}

pub(crate) fn cases() -> Vec<Case> {
    [expiries(), missing(), purges()].into_iter().flatten().collect()
}

const SECOND: Duration = Duration::from_secs(1);

fn expiries() -> Vec<Case> {
    let expire = || Asks::Expire(Duration::from_secs(100));
    let refused = |name, row, state| given(name, row).refuses(expire(), not_due(state));
    let expires = |priority| {
        move |write: &mut Update| {
            write.row.state = State::Expired;
            write.row.state_since = NOW;
            write.row.generation = 4;
            write.row.attempt = 0;
            write.row.run_at = Some(NOW);
            write.row.priority = priority;
            write.events = vec![event(EventKind::Expired, 4, 0), event_scheduled(Reason::Expired, 4)];
        }
    };
    let long_ago = |row| with(row, |row| row.synced_at = Some(at(-9999)));
    vec![
        given_none("nothing expires").asks(expire(), Effect::Reject).unplanned(),
        given("synced for its whole expiry is worked again, in the bulk", synced())
            .asks(expire(), Effect::Expire)
            .writes(expires(Priority::BULK)),
        given("what was put before the bulk expires into it", with(synced(), |row| row.priority = Priority::FIRST))
            .asks(expire(), Effect::Expire)
            .writes(expires(Priority::BULK)),
        given("what comes after the bulk stays there", with(synced(), |row| row.priority = Priority::LAST))
            .asks(expire(), Effect::Expire)
            .writes(expires(Priority::LAST)),
        given("paused expires all the same", paused(synced()))
            .asks(expire(), Effect::Expire)
            .writes(expires(Priority::BULK)),
        given("what was touched since expires by when it was synced", with(synced(), |row| row.state_since = NOW))
            .asks(expire(), Effect::Expire)
            .writes(expires(Priority::BULK)),
        refused(
            "a microsecond before its expiry synced is still good",
            with(synced(), |row| row.synced_at = Some(at(-100) + Duration::from_micros(1))),
            State::Synced,
        ),
        refused(
            "what another clock synced in the future is still good",
            with(synced(), |row| row.synced_at = Some(at(9999))),
            State::Synced,
        ),
        given(
            "even at once, what another clock synced in the future is still good",
            with(synced(), |row| row.synced_at = Some(at(5))),
        )
        .refuses(Asks::Expire(Duration::ZERO), not_due(State::Synced)),
        refused("scheduled does not expire", long_ago(scheduled()), State::Scheduled),
        refused("pending does not expire", long_ago(pending()), State::Pending),
        refused("expired does not expire again", long_ago(expired()), State::Expired),
        refused("failed does not expire", long_ago(failed()), State::Failed),
        refused("degraded does not expire", long_ago(degraded()), State::Degraded),
        refused("deleted does not expire", long_ago(deleted(DeletedBy::Worker)), State::Deleted),
        refused("another version's row does not expire", long_ago(unknown()), archived()),
    ]
}

fn missing() -> Vec<Case> {
    let refused = |name, row, state| given(name, row).refuses(Asks::Missing, Rejection::NotSynced(state));
    let worked = |priority| {
        move |write: &mut Update| {
            write.row.state = State::Scheduled;
            write.row.state_since = NOW;
            write.row.generation = 4;
            write.row.attempt = 0;
            write.row.run_at = Some(NOW);
            write.row.priority = priority;
            write.events = vec![event_scheduled(Reason::Missing, 4)];
        }
    };
    vec![
        given_none("nothing is missing").asks(Asks::Missing, Effect::Reject).unplanned(),
        given("synced is worked again, in the bulk", synced())
            .asks(Asks::Missing, Effect::Missing)
            .writes(worked(Priority::BULK)),
        given("what comes after the bulk stays there", with(synced(), |row| row.priority = Priority::LAST))
            .asks(Asks::Missing, Effect::Missing)
            .writes(worked(Priority::LAST)),
        refused("scheduled is worked anyway", scheduled(), State::Scheduled),
        refused("pending is worked already", pending(), State::Pending),
        refused("expired is worked anyway", expired(), State::Expired),
        refused("failed is worked anyway", failed(), State::Failed),
        refused("degraded gave up", degraded(), State::Degraded),
        refused("deleted is gone", deleted(DeletedBy::Worker), State::Deleted),
        refused("another version's row is not missing", unknown(), archived()),
    ]
}

fn purges() -> Vec<Case> {
    const NEVER: Retention = Retention { deleted: None, degraded: None, synced: None };
    let short = || Retention { deleted: Some(SECOND), degraded: Some(SECOND), synced: Some(SECOND) };
    let removed = || {
        let (generation, attempt) = (None, None);
        vec![EventDraft { kind: EventKind::Purged, generation, attempt, with_object: false }]
    };
    let refused = |name, row, retention, state| given(name, row).refuses(Asks::Purge(retention), not_due(state));
    let only_deleted = Retention { deleted: Some(Duration::from_secs(100)), ..NEVER };
    let only_degraded = Retention { degraded: Some(Duration::from_secs(100)), ..NEVER };
    let only_synced = Retention { synced: Some(Duration::from_secs(100)), ..NEVER };
    let others_than = |state: State| Retention {
        deleted: (state != State::Deleted).then_some(SECOND),
        degraded: (state != State::Degraded).then_some(SECOND),
        synced: (state != State::Synced).then_some(SECOND),
    };
    let just_not = |row| with(row, |row| row.state_since = at(-100) + Duration::from_micros(1));
    let future = |row| with(row, |row| row.state_since = at(5));
    let at_once = Retention { deleted: Some(Duration::ZERO), degraded: Some(Duration::ZERO), synced: None };
    vec![
        given_none("nothing is purged").asks(Asks::Purge(short()), Effect::Reject).unplanned(),
        given("deleted for its whole retention is purged", deleted(DeletedBy::Request))
            .asks(Asks::Purge(only_deleted), Effect::Purge)
            .removes(removed()),
        given("paused is purged all the same", paused(deleted(DeletedBy::Worker)))
            .asks(Asks::Purge(only_deleted), Effect::Purge)
            .removes(removed()),
        given("degraded for its whole retention is purged", degraded())
            .asks(Asks::Purge(only_degraded), Effect::Purge)
            .removes(removed()),
        given("synced for its whole retention is purged", synced())
            .asks(Asks::Purge(only_synced), Effect::Purge)
            .removes(removed()),
        refused("a deletion that gave up is not forgotten", unwanted(degraded()), short(), State::Degraded),
        refused("a vanished one that gave up is not forgotten", vanished(degraded()), short(), State::Degraded),
        refused(
            "deleted is kept to its last microsecond",
            just_not(deleted(DeletedBy::Worker)),
            only_deleted,
            State::Deleted,
        ),
        refused("degraded is kept to its last microsecond", just_not(degraded()), only_degraded, State::Degraded),
        refused("synced is kept to its last microsecond", just_not(synced()), only_synced, State::Synced),
        refused(
            "deleted is kept forever where it is",
            deleted(DeletedBy::Worker),
            others_than(State::Deleted),
            State::Deleted,
        ),
        refused("degraded is kept forever where it is", degraded(), others_than(State::Degraded), State::Degraded),
        refused("synced is kept forever where it is", synced(), others_than(State::Synced), State::Synced),
        refused(
            "what another clock touched in the future is kept",
            future(deleted(DeletedBy::Worker)),
            at_once,
            State::Deleted,
        ),
        given(
            "what is not to be kept at all is purged at once",
            with(deleted(DeletedBy::Worker), |row| row.state_since = NOW),
        )
        .asks(Asks::Purge(at_once), Effect::Purge)
        .removes(removed()),
        refused("scheduled is not purged", scheduled(), short(), State::Scheduled),
        refused("pending is not purged", pending(), short(), State::Pending),
        refused("expired is not purged", expired(), short(), State::Expired),
        refused("failed is not purged", failed(), short(), State::Failed),
        refused(
            "another version's row is not purged",
            with(unknown(), |row| row.state_since = NOW - HOUR),
            short(),
            archived(),
        ),
    ]
}
