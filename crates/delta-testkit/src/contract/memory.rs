use delta_core::{ResourceId, Result, State};
use delta_store_memory::{MemoryStore, MemoryTransaction};

use super::fixture::{Fixture, Keep};
use crate::backend::Backend;

/// The memory store as a fixture: the reference that other stores are compared with.
#[derive(Debug, Default)]
pub struct MemoryFixture {
    store: MemoryStore,
}

impl MemoryFixture {
    /// An empty database.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Fixture for MemoryFixture {
    type Store = MemoryStore;
    type Tx = MemoryTransaction;

    fn backend() -> Option<Backend> {
        Some(Backend::Memory)
    }

    fn store_name(&self) -> Option<&'static str> {
        Some("memory")
    }

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn begin(&self) -> Result<MemoryTransaction> {
        self.store.begin().await
    }

    async fn end(&self, tx: MemoryTransaction, keep: Keep) -> Result<()> {
        match keep {
            Keep::Commit => tx.commit().await,
            Keep::Rollback => {
                tx.rollback().await;
                Ok(())
            }
        }
    }

    async fn set_state(&self, id: ResourceId, state: &str) -> Result<()> {
        self.store.edit(id, |row| row.state = State::from(state));
        Ok(())
    }
}
