//! What the benches start from.

use delta::core::plan::{InformInput, InformPolicy, Source};
use delta::core::{
    CanonicalObject, Desired, Detail, Event, EventDraft, EventKind, Key, Lease, LeaseToken, Metadata, Owner, Position,
    Priority, Resource, ResourceId, Retention, Tags,
};
use delta::{EventObjects, InformOptions, Missing, Object, ObjectSettings, SecondChance, State, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_123_456);

/// How many resources a batch has.
pub(crate) const BATCH: i64 = 1_000;

/// Sizes of an object's JSON text by name; the smallest is nearly nothing but its id.
pub(crate) const SIZES: [(&str, usize); 3] = [("none", 0), ("560 bytes", 560), ("16 KB", 16 << 10)];

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    id: String,
    payload: String,
}

impl Item {
    /// Its JSON text is so long, or as short as it can be.
    pub(crate) fn new(id: i64, bytes: usize) -> Self {
        let bare = Self { id: format!("item-{id:07}"), payload: String::new() };
        let length = CanonicalObject::new(&bare).expect("an item is JSON").text().len();
        Self { payload: "x".repeat(bytes.saturating_sub(length)), ..bare }
    }

    /// What it is after a change: as long as before.
    pub(crate) fn changed(self) -> Self {
        Self { payload: self.payload.replace('x', "y"), ..self }
    }
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

/// Synced rows of objects of 560 bytes.
pub(crate) fn rows() -> Vec<Resource> {
    (1..=BATCH).map(|id| row(id, &Item::new(id, 560))).collect()
}

pub(crate) fn row(id: i64, item: &Item) -> Resource {
    let object = CanonicalObject::new(item).expect("an item is JSON");
    Resource {
        id: ResourceId::new(id),
        key: Key::new("default", Item::KIND, item.id()).expect("a key"),
        state: State::Synced,
        state_since: NOW,
        desired: Desired::Present,
        priority: Priority::DEFAULT,
        generation: 1,
        synced_generation: 1,
        attempt: 1,
        max_attempts: Some(10),
        run_at: None,
        lease: None,
        version: 3,
        hash: object.hash(),
        metadata: Metadata::EMPTY,
        trace: None,
        error_count: 0,
        external_created_at: None,
        created_at: NOW,
        updated_at: NOW,
        attempted_at: Some(NOW),
        synced_at: Some(NOW),
        deleted_at: None,
        deleted_by: None,
        paused: false,
        detail: Some(Detail { object: object.text().clone(), tags: Tags::default(), errors: Vec::new() }),
    }
}

/// The same rows, each worked under a lease.
pub(crate) fn pending() -> Vec<Resource> {
    let lease = |id| Lease {
        owner: Owner::new(1),
        token: LeaseToken::new(id),
        until: NOW + std::time::Duration::from_mins(1),
        generation: 1,
        attempt: 1,
        cancel_requested: false,
    };
    let claimed = |row: Resource| {
        let id = row.id.get();
        Resource { state: State::Pending, synced_generation: 0, synced_at: None, lease: Some(lease(id)), ..row }
    };
    rows().into_iter().map(claimed).collect()
}

pub(crate) fn inputs(items: impl IntoIterator<Item = Item>) -> Vec<InformInput> {
    let options = InformOptions::new().resolve().expect("no options");
    let policy = InformPolicy {
        second_chance: SecondChance::Give,
        missing: Missing::Ignore,
        retention: Retention::default(),
        event_objects: EventObjects::Omit,
    };
    let input = |item: Item| InformInput {
        key: Key::new("default", Item::KIND, item.id()).expect("a key"),
        object: CanonicalObject::new(&item).expect("an item is JSON"),
        external_created_at: None,
        trace: None,
        source: Source::Caller,
        options: options.clone(),
        compare: None,
        policy,
    };
    items.into_iter().map(input).collect()
}

/// One event for each row, with metadata.
pub(crate) fn events() -> Vec<Event> {
    let draft = EventDraft { kind: EventKind::Synced, generation: None, attempt: None, with_object: false };
    let metadata = Metadata::new(&serde_json::json!({"tenant": "t7", "region": "eu"})).expect("metadata");
    let event = |row: Resource| {
        let position = Position::new(row.id.get());
        draft.event(position, &Resource { metadata: metadata.clone(), ..row }, NOW)
    };
    rows().into_iter().map(event).collect()
}
