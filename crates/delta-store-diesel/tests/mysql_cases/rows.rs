//! Resources to write, and shorthands.

use delta_core::{
    Access, CanonicalObject, Change, Changeset, Depth, Desired, Detail, EventDraft, EventKind, Insert, Key, Load,
    LoadBy, Metadata, Priority, Reason, Receipt, Resource, ResourceId, Result, State, Store, Tags, Timestamp,
};
use delta_store_diesel::MySqlDieselStore;
use delta_store_diesel::diesel_async::AsyncMysqlConnection;

pub(super) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub(super) fn row(object_id: &str) -> Resource {
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

pub(super) fn created() -> EventDraft {
    EventDraft { kind: EventKind::Scheduled(Reason::Created), generation: None, attempt: None, with_object: false }
}

pub(super) fn inserts(rows: impl IntoIterator<Item = Resource>) -> Changeset {
    let insert = |row| Change::Insert(Box::new(Insert { row, events: vec![created()] }));
    Changeset { changes: rows.into_iter().map(insert).collect(), ..Changeset::new(NOW) }
}

pub(super) async fn insert(store: &MySqlDieselStore, object_id: &str) -> Result<Receipt> {
    let mut conn = store.acquire(Access::Write).await?;
    let inserted = store.commit(&mut conn, &inserts([row(object_id)])).await;
    if inserted.is_err() {
        store.discard(conn);
    }
    inserted
}

pub(super) async fn load(
    store: &MySqlDieselStore,
    conn: &mut AsyncMysqlConnection,
    object_id: &str,
) -> Result<Vec<Resource>> {
    let by = LoadBy::Keys(vec![row(object_id).key]);
    store.load(conn, &Load { by, depth: Depth::Full, access: Access::Read }).await
}
