use std::fmt;
use std::sync::Arc;

use delta_core::{HeadCache, LogEvent, LogPage, Notifier, Position, Result};
use tokio::time::timeout;

use crate::log::bell::Hearer;
use crate::log::head::{Head, Seat, Step};
use crate::log::held::LOOK;
use crate::log::listening::{Ear, Listening};
use crate::log::window::Last;
use crate::metrics;

/// Reads a log page by page, and waits at its head.
///
/// At the head it shares what one task reads for all readers of the client, and filters it itself. Behind it, the filter
/// is the database's.
pub(crate) struct Reader<E: LogEvent> {
    head: Arc<Head<E>>,
    told: Hearer,
    moved: Hearer,
    after: Position,
    filter: E::Filter,
    limit: u32,
    began: bool,
    /// How many errors of the tail were there, or reported.
    seen: u64,
    seat: Option<Seat<E>>,
    ear: Option<Ear>,
}

impl<E: LogEvent> Reader<E> {
    pub(super) fn new(head: Arc<Head<E>>, after: Position, filter: E::Filter) -> Self {
        Self {
            told: head.told.hearer(),
            moved: head.moved(),
            after,
            filter,
            limit: head.limits.page,
            began: false,
            seen: head.failures(),
            seat: None,
            ear: None,
            head,
        }
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
        self.begin();
        let page = match self.head.limits.cache {
            HeadCache::On { .. } => self.next_shared().await?,
            HeadCache::Off => self.next_alone().await?,
        };
        self.after = page.next;
        Ok(page)
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.began, true) {
            return;
        }
        let engine = &self.head.engine;
        if self.head.limits.notifier == Notifier::Database {
            self.ear = Some(Listening::listen(engine));
        }
        if self.head.source.name().is_own() {
            engine.logs.outside.reads();
        }
        // Whoever reads everything may as well read it for all that begin there.
        if self.head.limits.cache != HeadCache::Off && self.filter == E::Filter::default() {
            self.head.begin(self.after, &mut self.seat);
        }
    }

    async fn next_shared(&mut self) -> Result<LogPage<E>> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut patient = false;
        loop {
            // Before the step: a move from now on ends the wait.
            self.moved.catch_up();
            match self.head.step(self.after, limit, &mut self.seat, &mut self.seen) {
                Step::Take(slice) => {
                    metrics::log_cache_hit(self.head.source.name());
                    return Ok(slice.page(limit, &self.filter));
                }
                Step::Fail(error) => return Err(error),
                Step::Wait => self.moved.rung().await,
                // It stands beyond the end of the log, which the tail has yet to reach.
                Step::Alone if patient => {
                    let _ = timeout(self.head.limits.poll, self.moved.rung()).await;
                    patient = false;
                }
                Step::Alone => {
                    metrics::log_cache_miss(self.head.source.name());
                    let page = self.head.read(self.after, self.limit, &self.filter).await?;
                    if page.next > self.after {
                        return Ok(page);
                    }
                    self.head.join(self.after, page.head, &mut self.seat);
                    patient = true;
                }
            }
        }
    }

    async fn next_alone(&mut self) -> Result<LogPage<E>> {
        loop {
            // Before the read: what is told from now on ends the wait.
            self.told.catch_up();
            let page = self.head.read(self.after, self.limit, &self.filter).await?;
            if page.next > self.after {
                return Ok(page);
            }
            self.head.sit(&mut self.seat);
            self.head.note(Last::of(&page)).await;
            let poll = self.head.limits.poll;
            let pause = if page.held_back > 0 { LOOK.min(poll) } else { poll };
            let _ = timeout(pause, self.told.rung()).await;
        }
    }
}

impl<E: LogEvent> fmt::Debug for Reader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("log", self.head.source.name())
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
