//! Rows and changes that the cases start from, and mend where they need another.

use std::time::Duration;

use delta_core::{
    CanonicalObject, Change, Changeset, Desired, Detail, EventDraft, EventKind, Insert, Key, Lane, LeaseWrite,
    Metadata, Name, Priority, Reason, Remove, Renew, Resource, ResourceId, RunAt, Settle, Settlement, State, Tags,
    Timestamp, Update,
};

/// When every case begins: 2023-11-14T22:13:20Z and a bit.
pub(crate) const T0: Timestamp = Timestamp::from_micros(1_700_000_000_123_456);

/// A moment, in seconds after [`T0`].
pub(crate) fn at(seconds: u64) -> Timestamp {
    T0 + Duration::from_secs(seconds)
}

pub(crate) fn name(name: &str) -> Name {
    Name::new(name).expect("a valid name")
}

pub(crate) fn key(object_id: &str) -> Key {
    key_in("default", "thing", object_id)
}

pub(crate) fn key_in(namespace: &str, kind: &str, object_id: &str) -> Key {
    Key::new(namespace, kind, object_id).expect("a valid key")
}

pub(crate) fn lane() -> Lane {
    lane_of("default", "thing")
}

pub(crate) fn lane_of(namespace: &str, kind: &str) -> Lane {
    Lane { namespace: name(namespace), kind: name(kind) }
}

/// A row to insert: scheduled, due at [`T0`], in the lane [`lane`].
pub(crate) fn row(object_id: &str) -> Resource {
    row_of(key(object_id))
}

/// A row to insert: scheduled, due at [`T0`].
pub(crate) fn row_of(key: Key) -> Resource {
    let object = CanonicalObject::new(&serde_json::json!({ "id": key.object_id, "generation": 1 })).expect("JSON");
    Resource {
        id: ResourceId::default(),
        key,
        state: State::Scheduled,
        state_since: T0,
        desired: Desired::Present,
        priority: Priority::DEFAULT,
        generation: 1,
        synced_generation: 0,
        attempt: 0,
        max_attempts: Some(10),
        run_at: Some(T0),
        lease: None,
        version: 1,
        hash: object.hash(),
        metadata: Metadata::EMPTY,
        trace: None,
        error_count: 0,
        external_created_at: None,
        created_at: T0,
        updated_at: T0,
        attempted_at: None,
        synced_at: None,
        deleted_at: None,
        deleted_by: None,
        paused: false,
        detail: Some(Detail { object: object.text().clone(), tags: Tags::default(), errors: Vec::new() }),
    }
}

/// A row to insert: synced at a moment, and then left alone.
pub(crate) fn synced_row(key: Key, synced_at: Timestamp) -> Resource {
    Resource {
        state: State::Synced,
        state_since: synced_at,
        updated_at: synced_at,
        attempted_at: Some(synced_at),
        synced_at: Some(synced_at),
        synced_generation: 1,
        attempt: 1,
        run_at: None,
        ..row_of(key)
    }
}

/// An event with all its defaults.
pub(crate) fn draft(kind: EventKind) -> EventDraft {
    EventDraft { kind, generation: None, attempt: None, with_object: false }
}

pub(crate) fn scheduled(reason: Reason) -> EventDraft {
    draft(EventKind::Scheduled(reason))
}

/// Inserts a row, with the event of a new resource.
pub(crate) fn insert(row: Resource) -> Change {
    Change::Insert(Box::new(Insert { row, events: vec![scheduled(Reason::Created)] }))
}

/// Writes a row as it is over the version that was read, with no event.
pub(crate) fn update(read: &Resource, now: Timestamp) -> Update {
    Update {
        version: read.version,
        row: Resource { version: read.version + 1, updated_at: now, ..read.clone() },
        lease: LeaseWrite::Keep,
        write_object: false,
        write_tags: false,
        error: None,
        events: Vec::new(),
    }
}

/// Gives a row another object, as an inform does: the next generation, claimable at once unless it is pending.
pub(crate) fn inform(read: &Resource, now: Timestamp) -> Update {
    let mut update = update(read, now);
    let row = &mut update.row;
    row.generation += 1;
    let text = serde_json::json!({ "id": row.key.object_id, "generation": row.generation });
    let object = CanonicalObject::new(&text).expect("JSON");
    row.hash = object.hash();
    row.run_at = Some(now);
    if let Some(detail) = &mut row.detail {
        detail.object = object.text().clone();
        update.write_object = true;
    }
    if row.state != State::Pending {
        row.state = State::Scheduled;
        row.state_since = now;
        row.attempt = 0;
        update.events = vec![scheduled(Reason::Changed)];
    }
    update
}

/// Settles a claimed row as synced; if its generation has moved, it becomes claimable again.
pub(crate) fn settle(claimed: &Resource) -> Settle {
    let lease = claimed.lease.expect("a claimed row");
    let synced =
        EventDraft { generation: Some(lease.generation), attempt: Some(lease.attempt), ..draft(EventKind::Synced) };
    Settle {
        id: claimed.id,
        token: lease.token,
        over_at: None,
        error: None,
        unmoved: Settlement {
            state: State::Synced,
            attempt: None,
            run_at: RunAt::Never,
            synced_generation: Some(lease.generation),
            deleted_by: None,
            events: vec![synced.clone()],
        },
        moved: Settlement {
            state: State::Scheduled,
            attempt: Some(0),
            run_at: RunAt::AskedOr(T0),
            synced_generation: Some(lease.generation),
            deleted_by: None,
            events: vec![synced, scheduled(Reason::Rerun)],
        },
    }
}

/// Ends a claimed row's attempt because its lease is over: it may be claimed again at once.
pub(crate) fn rescue(claimed: &Resource, now: Timestamp) -> Settle {
    let again = Settlement {
        state: State::Failed,
        attempt: None,
        run_at: RunAt::At(now),
        synced_generation: None,
        deleted_by: None,
        events: vec![draft(EventKind::Failed)],
    };
    Settle { over_at: Some(now), unmoved: again.clone(), moved: again, ..settle(claimed) }
}

pub(crate) fn renew(claimed: &Resource, until: Timestamp) -> Renew {
    Renew { id: claimed.id, token: claimed.lease.expect("a claimed row").token, until }
}

/// Purges a row.
pub(crate) fn remove(read: &Resource) -> Remove {
    Remove { id: read.id, version: read.version, events: vec![draft(EventKind::Purged)] }
}

/// A changeset of these changes.
pub(crate) fn changeset(now: Timestamp, changes: impl IntoIterator<Item = impl IntoChange>) -> Changeset {
    let changes = changes.into_iter().map(IntoChange::into_change).collect();
    Changeset { changes, ..Changeset::new(now) }
}

/// Spares the cases the boxes.
pub(crate) trait IntoChange {
    fn into_change(self) -> Change;
}

impl IntoChange for Change {
    fn into_change(self) -> Change {
        self
    }
}

impl IntoChange for Update {
    fn into_change(self) -> Change {
        Change::Update(Box::new(self))
    }
}

impl IntoChange for Settle {
    fn into_change(self) -> Change {
        Change::Settle(Box::new(self))
    }
}

impl IntoChange for Renew {
    fn into_change(self) -> Change {
        Change::Renew(self)
    }
}

impl IntoChange for Remove {
    fn into_change(self) -> Change {
        Change::Remove(self)
    }
}
