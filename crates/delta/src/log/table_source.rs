use std::sync::Arc;

use delta_core::{
    Access, EventTable, EventTables, LogHolder, LogName, LogPage, Position, Result, Store as _, TableEvent,
    TableFilter, TableQuery, Trimmed,
};
use futures::future::BoxFuture;

use crate::engine::Bounded;
use crate::log::loader::Loader;
use crate::log::source::{Limits, Source, finish};

/// An application's own log.
pub(super) struct TableSource<S> {
    store: Bounded<S>,
    table: EventTable,
    name: LogName,
    loader: Arc<dyn Loader>,
}

impl<S: EventTables> TableSource<S> {
    pub(super) fn new(store: Bounded<S>, table: EventTable, loader: Arc<dyn Loader>) -> Self {
        let name = table.log_name();
        Self { store, table, name, loader }
    }
}

impl<S: EventTables> Source<TableEvent> for TableSource<S> {
    fn name(&self) -> &LogName {
        &self.name
    }

    fn limits(&self) -> Limits {
        Limits {
            page: self.table.limit(),
            poll: self.table.poll(),
            cache: self.table.head_cache(),
            notifier: self.table.notified_by(),
        }
    }

    fn read<'a>(
        &'a self,
        after: Position,
        limit: u32,
        filter: &'a TableFilter,
    ) -> BoxFuture<'a, Result<LogPage<TableEvent>>> {
        Box::pin(async move { self.loader.load(&TableQuery { after, limit, filter: filter.clone() }).await })
    }

    fn holders(&self) -> BoxFuture<'_, Result<Vec<LogHolder>>> {
        Box::pin(async move {
            let mut conn = self.store.acquire(Access::Read).await?;
            let holders = self.store.table_holders(&mut conn, &self.table).await;
            finish(&self.store, conn, holders)
        })
    }

    fn trimmed(&self) -> BoxFuture<'_, Result<Position>> {
        Box::pin(async move {
            let mut conn = self.store.acquire(Access::Read).await?;
            let trimmed = self.store.table_trimmed(&mut conn, &self.table).await;
            finish(&self.store, conn, trimmed)
        })
    }

    fn trim(&self, up_to: Position, limit: u32) -> BoxFuture<'_, Result<Trimmed>> {
        Box::pin(async move {
            let mut conn = self.store.acquire(Access::Write).await?;
            let trimmed = self.store.trim_table(&mut conn, &self.table, up_to, limit).await;
            finish(&self.store, conn, trimmed)
        })
    }
}
