use delta_core::{
    Access, Changeset, Cursor, Error, ErrorKind, LogEvent, LogStore, Result, Store as _, Timestamp, borrow_session,
};

use crate::log::consume::books::Books;

/// A transaction of Delta's own. Dropped before its end, its connection is thrown away, and nothing of it is left.
pub(super) struct Transaction<'a, S: LogStore, E: LogEvent> {
    books: &'a Books<S, E>,
    guard: Option<S::Guard>,
}

impl<S: LogStore, E: LogEvent> Books<S, E> {
    /// Opens a transaction.
    pub(super) async fn begin(&self) -> Result<Transaction<'_, S, E>> {
        let store = self.setup.store();
        let guard = store.acquire(Access::Write).await?;
        let mut tx = Transaction { books: self, guard: Some(guard) };
        store.begin_tx(tx.conn()?).await?;
        Ok(tx)
    }
}

impl<S: LogStore, E: LogEvent> Transaction<'_, S, E> {
    /// Its connection.
    pub(super) fn conn(&mut self) -> Result<&mut S::Conn> {
        let over = || Error::new(ErrorKind::Closed, "consume in a transaction", "expected one that is open");
        self.guard.as_deref_mut().ok_or_else(over)
    }

    /// Writes a cursor and renews its lease; `None` if somebody else has written it. Returns the end of the lease.
    pub(super) async fn put(&mut self, row: Cursor) -> Result<Option<Timestamp>> {
        let books = self.books;
        let now = books.certain_now(self.conn()?).await?;
        let until = now + books.setup.lease();
        let cursors = vec![Cursor { lease_until: Some(until), ..row }.put()];
        let receipt = books.setup.store().commit(self.conn()?, &Changeset { cursors, ..Changeset::new(now) }).await?;
        Ok(receipt.lost_cursor.is_none().then_some(until))
    }

    /// The server's time.
    pub(super) async fn now(&mut self) -> Result<Timestamp> {
        let books = self.books;
        let mut session = borrow_session(books.setup.store(), self.conn()?);
        books.setup.engine().now(&mut session).await
    }

    /// Keeps what was written.
    pub(super) async fn commit(mut self) -> Result<()> {
        let books = self.books;
        books.setup.store().commit_tx(self.conn()?).await?;
        self.guard = None;
        Ok(())
    }

    /// Undoes what was written.
    pub(super) async fn roll_back(mut self) -> Result<()> {
        let books = self.books;
        books.setup.store().rollback_tx(self.conn()?).await?;
        self.guard = None;
        Ok(())
    }

    /// Ends it by what came of it: keeps something, undoes nothing and errors.
    pub(super) async fn end<R>(self, result: Result<Option<R>>) -> Result<Option<R>> {
        match result {
            Ok(Some(kept)) => self.commit().await.map(|()| Some(kept)),
            Ok(None) => self.roll_back().await.map(|()| None),
            Err(error) => {
                // The connection is thrown away if this fails too.
                let _ = self.roll_back().await;
                Err(error)
            }
        }
    }
}

impl<S: LogStore, E: LogEvent> Drop for Transaction<'_, S, E> {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            self.books.setup.store().discard(guard);
        }
    }
}
