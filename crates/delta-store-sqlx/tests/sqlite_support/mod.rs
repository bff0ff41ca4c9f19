//! What the tests of the SQLite store start from.

use std::path::PathBuf;

use delta_core::{
    Access, CanonicalObject, Change, Changeset, Depth, Desired, Detail, EventDraft, EventKind, Insert, Key, Load,
    LoadBy, Metadata, Priority, Reason, Receipt, Resource, ResourceId, Result, State, Store, Tags, Timestamp,
};
use delta_store_sqlx::SqliteStore;
use delta_testkit::Backend;
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_123_456);

/// A path for a database in a directory that goes with it; `None` if SQLite is left out of the tests.
pub(crate) fn file() -> Option<(TempDir, PathBuf)> {
    if !Backend::Sqlite.enabled() {
        return None;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("delta.db");
    Some((directory, path))
}

/// A row to insert: scheduled and due.
pub(crate) fn row(object_id: &str) -> Resource {
    let object = CanonicalObject::new(&serde_json::json!({ "id": object_id })).expect("an object");
    Resource {
        id: ResourceId::default(),
        key: Key::new("default", "thing", object_id).expect("a key"),
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
        detail: Some(Detail { object: object.text().clone(), tags: Tags::default(), errors: Vec::new() }),
    }
}

/// A changeset that inserts rows, each with its event.
pub(crate) fn inserts(rows: impl IntoIterator<Item = Resource>) -> Changeset {
    let created = EventKind::Scheduled(Reason::Created);
    let events = vec![EventDraft { kind: created, generation: None, attempt: None, with_object: false }];
    let insert = |row| Change::Insert(Box::new(Insert { row, events: events.clone() }));
    Changeset { changes: rows.into_iter().map(insert).collect(), ..Changeset::new(NOW) }
}

/// Commits on a connection of the store's own.
pub(crate) async fn commit(store: &SqliteStore, changes: &Changeset) -> Result<Receipt> {
    let mut conn = store.acquire(Access::Write).await?;
    store.commit(&mut conn, changes).await
}

/// Finds the row of an object.
pub(crate) async fn find(store: &SqliteStore, object_id: &str) -> Result<Option<Resource>> {
    let mut conn = store.acquire(Access::Read).await?;
    let by = LoadBy::Keys(vec![Key::new("default", "thing", object_id).expect("a key")]);
    Ok(store.load(&mut conn, &Load { by, depth: Depth::Full, access: Access::Read }).await?.pop())
}
