//! The memory store is the reference: it passes the whole contract.

use delta_core::{ResourceId, Result, State};
use delta_store_memory::{MemoryStore, MemoryTransaction};
use delta_testkit::contract::{Fixture, Keep};

struct Memory(MemoryStore);

impl Fixture for Memory {
    type Store = MemoryStore;
    type Tx = MemoryTransaction;

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    async fn begin(&self) -> Result<MemoryTransaction> {
        self.0.begin().await
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
        self.0.edit(id, |row| row.state = State::from(state));
        Ok(())
    }
}

delta_testkit::store_contract!(|| async { Memory(MemoryStore::new()) });
