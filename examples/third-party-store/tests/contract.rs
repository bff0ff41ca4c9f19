//! The store passes the contract of `delta_core::Store`, and does what the memory store does.

use delta_core::{Access, ResourceId, Result, Store};
use delta_testkit::contract::{Fixture, Keep};
use redb::TableDefinition;
use tempfile::TempDir;
use third_party_store::{RedbConn, RedbStore};

/// A store in a directory that goes with it.
struct File {
    store: RedbStore,
    _directory: TempDir,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = RedbStore::open(directory.path().join("delta.redb")).expect("a store");
        Self { store, _directory: directory }
    }
}

impl Fixture for File {
    type Store = RedbStore;
    type Tx = Box<RedbConn>;

    /// As the README of Delta lists it.
    fn store_name(&self) -> Option<&'static str> {
        Some("redb, by a third party")
    }

    fn store(&self) -> &RedbStore {
        &self.store
    }

    async fn begin(&self) -> Result<Box<RedbConn>> {
        let mut conn = self.store.acquire(Access::Write).await?;
        conn.begin()?;
        Ok(conn)
    }

    async fn end(&self, mut tx: Box<RedbConn>, keep: Keep) -> Result<()> {
        match keep {
            Keep::Commit => tx.commit(),
            Keep::Rollback => {
                tx.rollback();
                Ok(())
            }
        }
    }

    /// As a program would that knows the state: in the row, and out of the indexes of other states.
    async fn set_state(&self, id: ResourceId, state: &str) -> Result<()> {
        const ROWS: TableDefinition<i64, &[u8]> = TableDefinition::new("rows");
        const CLAIMABLE: TableDefinition<(&str, &str, u8, i64, i64), ()> = TableDefinition::new("claimable");
        const DUE: TableDefinition<(u8, i64, i64), ()> = TableDefinition::new("due");
        let mut conn = self.begin().await?;
        let tx = conn.transaction().expect("the transaction that was begun");
        {
            let mut rows = tx.open_table(ROWS).expect("the rows");
            let stored = rows.remove(id.get()).expect("a read").expect("the row").value().to_vec();
            let mut row: serde_json::Value = serde_json::from_slice(&stored).expect("JSON");
            row["state"] = state.into();
            rows.insert(id.get(), serde_json::to_vec(&row).expect("JSON").as_slice()).expect("a write");
            let mut claimable = tx.open_table(CLAIMABLE).expect("the claimable");
            claimable.retain(|key, ()| key.4 != id.get()).expect("a write");
            tx.open_table(DUE).expect("the due").retain(|key, ()| key.2 != id.get()).expect("a write");
        }
        conn.commit()
    }
}

delta_testkit::store_contract!(|| async { File::new() });

delta_testkit::store_differential!(|| async { File::new() });
