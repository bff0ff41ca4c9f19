use std::sync::Arc;

use delta_core::{LogEvent, LogPage, Position, Result};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::log::head::Head;

/// Reads a log page by page, and waits at its head.
pub(crate) struct Reader<E: LogEvent> {
    head: Arc<Head<E>>,
    told: watch::Receiver<u64>,
    after: Position,
    filter: E::Filter,
    limit: u32,
}

impl<E: LogEvent> Reader<E> {
    pub(super) fn new(head: Arc<Head<E>>, after: Position, filter: E::Filter) -> Self {
        let limit = head.source.limits().page;
        let told = head.signal.subscribe();
        Self { head, told, after, filter, limit }
    }

    /// At most so many events in a page; the log's own limit by default.
    #[must_use]
    pub(crate) fn limit(mut self, events: u32) -> Self {
        self.limit = events.max(1);
        self
    }

    /// Where the next page begins.
    pub(crate) fn position(&self) -> Position {
        self.after
    }

    /// The next page, whose `next` is always beyond the one before; its events may be none if the filter lets none pass.
    /// Waits at the head.
    ///
    /// # Errors
    ///
    /// Those of the store, `CursorTooOld` among them. The next call tries again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<LogPage<E>> {
        loop {
            self.told.borrow_and_update();
            let page = self.head.source.read(self.after, self.limit, &self.filter).await?;
            if page.next > self.after {
                self.after = page.next;
                return Ok(page);
            }
            // A sender is in the head, so this ends with a signal or with the time.
            let _ = timeout(self.head.source.limits().poll, self.told.changed()).await;
        }
    }
}
