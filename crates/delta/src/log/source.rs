use std::time::Duration;

use delta_core::{
    Access, Browse as _, Event, EventQuery, HeadCache, LogEvent, LogHolder, LogName, LogPage, LogStore, Notifier,
    Position, Result, Store, Trimmed,
};
use futures::future::BoxFuture;

use crate::engine::Bounded;

/// What a log is read from, without its store's type.
pub(crate) trait Source<E: LogEvent>: Send + Sync + 'static {
    /// The name of the log.
    fn name(&self) -> &LogName;

    /// How it is read.
    fn limits(&self) -> Limits;

    /// Reads a page on a connection of its own.
    fn read<'a>(&'a self, after: Position, limit: u32, filter: &'a E::Filter) -> BoxFuture<'a, Result<LogPage<E>>>;

    /// Names the transactions that hold readers back, the oldest first.
    fn holders(&self) -> BoxFuture<'_, Result<Vec<LogHolder>>>;

    /// The last position that was trimmed.
    fn trimmed(&self) -> BoxFuture<'_, Result<Position>>;

    /// Removes events up to a position, at most so many, the oldest first.
    fn trim(&self, up_to: Position, limit: u32) -> BoxFuture<'_, Result<Trimmed>>;
}

/// How a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How many events one query reads.
    pub(crate) page: u32,
    /// How often to look without a wake-up.
    pub(crate) poll: Duration,
    /// What readers share.
    pub(crate) cache: HeadCache,
    /// How readers hear of new events.
    pub(crate) notifier: Notifier,
}

/// Delta's own log.
pub(super) struct OwnSource<S> {
    store: Bounded<S>,
    name: LogName,
    limits: Limits,
}

impl<S: LogStore> OwnSource<S> {
    pub(super) fn new(store: Bounded<S>, limits: Limits) -> Self {
        Self { store, name: LogName::own(), limits }
    }
}

/// Returns a connection, or throws it away if the result says that it may be broken.
pub(super) fn finish<S: Store, R>(store: &S, guard: S::Guard, result: Result<R>) -> Result<R> {
    if result.as_ref().is_err_and(|error| error.kind() == delta_core::ErrorKind::Unavailable) {
        store.discard(guard);
    }
    result
}

impl<S: LogStore> Source<Event> for OwnSource<S> {
    fn name(&self) -> &LogName {
        &self.name
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn read<'a>(
        &'a self,
        after: Position,
        limit: u32,
        filter: &'a delta_core::EventFilter,
    ) -> BoxFuture<'a, Result<LogPage<Event>>> {
        Box::pin(async move {
            let query = EventQuery { after, limit, filter: filter.clone() };
            let mut conn = self.store.acquire(Access::Read).await?;
            let result = self.store.events(&mut conn, &query).await;
            finish(&self.store, conn, result)
        })
    }

    fn holders(&self) -> BoxFuture<'_, Result<Vec<LogHolder>>> {
        Box::pin(async move {
            let mut conn = self.store.acquire(Access::Read).await?;
            let result = self.store.log_holders(&mut conn).await;
            finish(&self.store, conn, result)
        })
    }

    fn trimmed(&self) -> BoxFuture<'_, Result<Position>> {
        Box::pin(async move {
            let mut conn = self.store.acquire(Access::Read).await?;
            let result = self.store.trimmed(&mut conn).await;
            finish(&self.store, conn, result)
        })
    }

    fn trim(&self, up_to: Position, limit: u32) -> BoxFuture<'_, Result<Trimmed>> {
        Box::pin(async move {
            let mut conn = self.store.acquire(Access::Write).await?;
            let result = self.store.trim(&mut conn, up_to, limit).await;
            finish(&self.store, conn, result)
        })
    }
}
