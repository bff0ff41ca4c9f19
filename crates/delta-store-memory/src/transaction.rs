use std::ops::{Deref, DerefMut};

use delta_core::Result;

use crate::conn::{MemoryConn, Mode};

/// A transaction of the caller's own, on a connection of its own. Dropping it rolls it back.
///
/// # Examples
///
/// ```
/// # use delta_core::{Changeset, CursorQuery, Cursor, Store, Timestamp};
/// # use delta_store_memory::MemoryStore;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// let store = MemoryStore::new();
/// let mut tx = store.begin().await?;
/// let mut changes = Changeset::new(Timestamp::EPOCH);
/// changes.cursors.push(Cursor::new("mailer").put());
/// store.commit(&mut tx, &changes).await?;
/// tx.commit().await?;
///
/// let mut tx = store.begin().await?;
/// let mailer = CursorQuery::Names(vec!["mailer".to_owned()]);
/// assert_eq!(store.cursors(&mut tx, &mailer).await?.len(), 1);
/// tx.rollback().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MemoryTransaction(MemoryConn);

impl MemoryTransaction {
    pub(crate) fn new(mut conn: MemoryConn) -> Self {
        conn.begin();
        Self(conn)
    }

    /// Ends the transaction and keeps what it wrote.
    ///
    /// # Errors
    ///
    /// `Conflict` if a deadlock has rolled it back already.
    ///
    /// # Cancel safety
    ///
    /// It never waits: it is done as soon as it is polled.
    #[expect(clippy::unused_async, reason = "the same shape as a driver's transaction, which does wait")]
    pub async fn commit(mut self) -> Result<()> {
        self.0.commit()
    }

    /// Ends the transaction and keeps nothing, as dropping it does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future rolls back as well.
    #[expect(clippy::unused_async, reason = "the same shape as a driver's transaction, which does wait")]
    pub async fn rollback(mut self) {
        self.0.roll_back(Mode::Auto);
    }
}

impl Deref for MemoryTransaction {
    type Target = MemoryConn;

    fn deref(&self) -> &MemoryConn {
        &self.0
    }
}

impl DerefMut for MemoryTransaction {
    fn deref_mut(&mut self) -> &mut MemoryConn {
        &mut self.0
    }
}
