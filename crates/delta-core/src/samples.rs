//! What the unit tests of this crate start from.

use crate::canonical::CanonicalObject;
use crate::key::Key;
use crate::labels::{Metadata, Tags};
use crate::resource::{Desired, Detail, Priority, Resource, ResourceId};
use crate::state::State;
use crate::timestamp::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_123_456);

/// A scheduled row, due now.
pub(crate) fn row(id: i64, object_id: &str) -> Resource {
    let object = CanonicalObject::new(object_id).unwrap();
    Resource {
        id: ResourceId::new(id),
        key: Key::new("eu", "thing", object_id).unwrap(),
        state: State::Scheduled,
        state_since: NOW,
        desired: Desired::Present,
        priority: Priority::DEFAULT,
        generation: 1,
        synced_generation: 0,
        attempt: 0,
        max_attempts: Some(10),
        run_at: Some(NOW),
        lease: None,
        version: 1,
        hash: object.hash(),
        metadata: Metadata::EMPTY,
        trace: None,
        error_count: 0,
        external_created_at: None,
        created_at: NOW,
        updated_at: NOW,
        attempted_at: None,
        synced_at: None,
        deleted_at: None,
        deleted_by: None,
        paused: false,
        detail: Some(Detail { object: object.text().clone(), tags: Tags::default(), errors: vec![] }),
    }
}
