use delta_core::{Access, EventTable, EventTables, LogPage, NewEvent, Position, Result, Store, TableEvent, TableQuery};
use futures::future::BoxFuture;

use crate::engine::Bounded;
use crate::log::source::finish;

/// What the pages of an application's log are read with, in place of the store's own way: see
/// [`EventLog::with_loader`](crate::EventLog::with_loader).
///
/// # Obligations of an implementor
///
/// - A page keeps to the contract of [`EventTables::table_events`]: it skips nothing, reorders nothing, and moves on even if
///   it holds no event.
/// - A dropped future leaves nothing behind.
pub trait Loader: Send + Sync + 'static {
    /// Reads a page.
    fn load<'a>(&'a self, query: &'a TableQuery) -> BoxFuture<'a, Result<LogPage<TableEvent>>>;
}

/// What events are appended to an application's log with, in place of the store's own way: see
/// [`EventLog::with_inserter`](crate::EventLog::with_inserter).
///
/// # Obligations of an implementor
///
/// - It keeps to the contract of [`EventTables::append_events`]: all events or none, in their order, in the caller's
///   transaction, and in a way that holds readers back until that has ended.
pub trait Inserter<S: Store>: Send + Sync + 'static {
    /// Appends events, and returns their positions.
    fn insert<'a>(
        &'a self,
        conn: &'a mut S::Conn,
        table: &'a EventTable,
        events: &'a [NewEvent],
    ) -> BoxFuture<'a, Result<Vec<Position>>>;
}

/// The store's own way to read a table, for loaders that add something to it.
#[derive(Clone, Debug)]
pub struct StoreLoader<S> {
    store: Bounded<S>,
    table: EventTable,
}

impl<S: EventTables> StoreLoader<S> {
    pub(super) fn new(store: Bounded<S>, table: EventTable) -> Self {
        Self { store, table }
    }
}

impl<S: EventTables> Loader for StoreLoader<S> {
    fn load<'a>(&'a self, query: &'a TableQuery) -> BoxFuture<'a, Result<LogPage<TableEvent>>> {
        Box::pin(async move {
            let mut conn = self.store.acquire(Access::Read).await?;
            let page = self.store.table_events(&mut conn, &self.table, query).await;
            finish(&self.store, conn, page)
        })
    }
}

/// The store's own way to append.
pub(super) struct StoreInserter<S>(pub(super) S);

impl<S: EventTables> Inserter<S> for StoreInserter<S> {
    fn insert<'a>(
        &'a self,
        conn: &'a mut S::Conn,
        table: &'a EventTable,
        events: &'a [NewEvent],
    ) -> BoxFuture<'a, Result<Vec<Position>>> {
        Box::pin(self.0.append_events(conn, table, events))
    }
}
