use std::future::Future;
use std::ops::DerefMut;

use delta_core::{Browse, ResourceId, Result, Store};

use crate::backend::Backend;

/// A fresh, empty database with the store under test, and what the suite needs beside the store's own traits.
///
/// It is implemented by the test, for a type of its own, so that a store's crate need not depend on the testkit but for
/// its tests. Dropping it may remove the database.
///
/// # Examples
///
/// [`MemoryFixture`](super::MemoryFixture) without its constructor:
///
/// ```
/// use delta_core::{ResourceId, Result, State};
/// use delta_store_memory::{MemoryStore, MemoryTransaction};
/// use delta_testkit::contract::{Fixture, Keep};
///
/// struct Memory(MemoryStore);
///
/// impl Fixture for Memory {
///     type Store = MemoryStore;
///     type Tx = MemoryTransaction;
///
///     fn store(&self) -> &MemoryStore {
///         &self.0
///     }
///
///     async fn begin(&self) -> Result<MemoryTransaction> {
///         self.0.begin().await
///     }
///
///     async fn end(&self, tx: MemoryTransaction, keep: Keep) -> Result<()> {
///         match keep {
///             Keep::Commit => tx.commit().await,
///             Keep::Rollback => Ok(tx.rollback().await),
///         }
///     }
///
///     async fn set_state(&self, id: ResourceId, state: &str) -> Result<()> {
///         self.0.edit(id, |row| row.state = State::from(state));
///         Ok(())
///     }
/// }
/// ```
pub trait Fixture: Send + Sync + 'static {
    /// The store under test.
    type Store: Browse;
    /// A transaction of a caller's own: the driver's own type, or one that wraps it.
    type Tx: DerefMut<Target = <Self::Store as Store>::Conn> + Send;

    /// The backend, where it is one that `DELTA_TEST_BACKENDS` can leave out: then its cases are left out, and say so.
    /// None by default: the cases always run.
    #[must_use]
    fn backend() -> Option<Backend> {
        None
    }

    /// The store's name in the matrix of the README, such as `sqlx: Postgres`; the suite then notes there what it has
    /// passed. None by default: the store is not in the matrix.
    #[must_use]
    fn store_name(&self) -> Option<&'static str> {
        None
    }

    /// The store, on the fixture's database.
    fn store(&self) -> &Self::Store;

    /// Opens a transaction the way a user of the store does, on a connection that may write.
    fn begin(&self) -> impl Future<Output = Result<Self::Tx>> + Send;

    /// Ends a transaction the way a user of the store does.
    fn end(&self, tx: Self::Tx, keep: Keep) -> impl Future<Output = Result<()>> + Send;

    /// Sets the stored state of a row to any text, past the store: what a newer program may leave there. Nothing else of
    /// the row changes, but indexes that a store keeps by hand follow, as that program would see to.
    fn set_state(&self, id: ResourceId, state: &str) -> impl Future<Output = Result<()>> + Send;

    /// Runs plain SQL, which may be several statements, on a connection, and so in its transaction if it is in one: what an
    /// application does past the store. Nothing by default, for a store without SQL: cases that cannot do without are skipped.
    fn execute(
        &self,
        conn: &mut <Self::Store as Store>::Conn,
        statements: &str,
    ) -> impl Future<Output = Result<Executed>> + Send {
        let _ = (conn, statements);
        async { Ok(Executed::NoSql) }
    }
}

/// What came of plain SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// It ran.
    Done,
    /// The store has no SQL.
    NoSql,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What it wrote stays.
    Commit,
    /// Nothing of it stays.
    Rollback,
}
