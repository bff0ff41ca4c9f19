//! One realistic row for each state. Every number in it is different, so that a mix-up shows.

use std::time::Duration;

use delta_core::plan::InformPolicy;
use delta_core::{
    AbsentBy, CanonicalObject, DeletedBy, Desired, Detail, EventDraft, EventKind, EventObjects, Key, Lease, LeaseToken,
    Metadata, Missing, Owner, Priority, Reason, Resource, ResourceId, Retention, SecondChance, State, Tags, Timestamp,
    Trace,
};

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const NOW: Timestamp = at(0);
pub(crate) const TOKEN: LeaseToken = LeaseToken::new(99);

/// A moment so many seconds after (or before) now.
pub(crate) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_700_000_000 + seconds) * 1_000_000)
}

pub(crate) fn object(version: u32) -> CanonicalObject {
    CanonicalObject::new(&serde_json::json!({"id": "anna", "version": version})).unwrap()
}

pub(crate) fn key() -> Key {
    Key::new("shop", "customer", "anna").unwrap()
}

pub(crate) fn trace(last: char) -> Trace {
    Trace::new(format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333{last}-01")).unwrap()
}

pub(crate) fn tags(tags: &[&str]) -> Tags {
    Tags::new(tags.iter().copied()).unwrap()
}

pub(crate) fn metadata(text: &str) -> Metadata {
    Metadata::from_text(text).unwrap()
}

pub(crate) const POLICY: InformPolicy = InformPolicy {
    second_chance: SecondChance::Give,
    missing: Missing::Ignore,
    retention: Retention { deleted: Some(DAY), degraded: Some(DAY), synced: None },
    event_objects: EventObjects::Omit,
};

fn row(state: State) -> Resource {
    Resource {
        id: ResourceId::new(7),
        key: key(),
        state,
        state_since: at(-100),
        desired: Desired::Present,
        priority: Priority::DEFAULT,
        generation: 3,
        synced_generation: 2,
        attempt: 0,
        max_attempts: Some(5),
        run_at: None,
        lease: None,
        version: 40,
        hash: object(1).hash(),
        metadata: metadata(r#"{"stored":true}"#),
        trace: Some(trace('1')),
        error_count: 4,
        external_created_at: Some(at(-5000)),
        created_at: at(-4000),
        updated_at: at(-100),
        attempted_at: Some(at(-200)),
        synced_at: Some(at(-1000)),
        deleted_at: None,
        deleted_by: None,
        paused: false,
        detail: Some(Detail { object: object(1).text().clone(), tags: tags(&["stored"]), errors: Vec::new() }),
    }
}

/// Waits, and has been due for ten seconds.
pub(crate) fn scheduled() -> Resource {
    Resource { run_at: Some(at(-10)), ..row(State::Scheduled) }
}

/// In its second attempt, under a lease that is good for another thirty seconds.
pub(crate) fn pending() -> Resource {
    let (token, owner, until) = (TOKEN, Owner::new(5), at(30));
    let lease = Lease { token, generation: 3, attempt: 2, owner, until, cancel_requested: false };
    Resource { attempt: 2, attempted_at: Some(at(-30)), lease: Some(lease), ..row(State::Pending) }
}

/// Pending, while its generation has become 5.
pub(crate) fn moved() -> Resource {
    Resource { generation: 5, attempt: 0, run_at: Some(at(60)), ..pending() }
}

pub(crate) fn synced() -> Resource {
    Resource { attempt: 1, synced_generation: 3, synced_at: Some(at(-100)), ..row(State::Synced) }
}

/// Due for another run since ten seconds.
pub(crate) fn expired() -> Resource {
    Resource { run_at: Some(at(-10)), ..row(State::Expired) }
}

/// Failed twice; the back-off ended five seconds ago.
pub(crate) fn failed() -> Resource {
    Resource { attempt: 2, run_at: Some(at(-5)), ..row(State::Failed) }
}

/// Gave up after five attempts.
pub(crate) fn degraded() -> Resource {
    Resource { attempt: 5, ..row(State::Degraded) }
}

/// Deleted by whom; the object was wanted gone by the same, or it was the worker that found it gone.
pub(crate) fn deleted(by: DeletedBy) -> Resource {
    let desired = match by {
        DeletedBy::Worker => Desired::Present,
        DeletedBy::Request => Desired::Absent(AbsentBy::Request),
        DeletedBy::Missing => Desired::Absent(AbsentBy::Missing),
    };
    let (deleted_at, deleted_by, synced_at) = (Some(at(-100)), Some(by), Some(at(-100)));
    Resource { attempt: 1, synced_generation: 3, desired, deleted_at, deleted_by, synced_at, ..row(State::Deleted) }
}

/// Of a version of Delta that knows a state more.
pub(crate) fn unknown() -> Resource {
    row(State::from("archived"))
}

pub(crate) fn archived() -> State {
    State::from("archived")
}

pub(crate) fn with(mut row: Resource, edit: impl FnOnce(&mut Resource)) -> Resource {
    edit(&mut row);
    row
}

/// The row, wanted absent by request.
pub(crate) fn unwanted(row: Resource) -> Resource {
    Resource { desired: Desired::Absent(AbsentBy::Request), ..row }
}

/// The row, wanted absent because a full run did not mention it.
pub(crate) fn vanished(row: Resource) -> Resource {
    Resource { desired: Desired::Absent(AbsentBy::Missing), ..row }
}

pub(crate) fn paused(row: Resource) -> Resource {
    Resource { paused: true, ..row }
}

/// An event that names its generation and attempt.
pub(crate) fn event(kind: EventKind, generation: i64, attempt: i64) -> EventDraft {
    EventDraft { kind, generation: Some(generation), attempt: Some(attempt), with_object: false }
}

/// An `object_scheduled` of the first attempt of a generation.
pub(crate) fn event_scheduled(reason: Reason, generation: i64) -> EventDraft {
    event(EventKind::Scheduled(reason), generation, 0)
}
