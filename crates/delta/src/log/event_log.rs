use std::fmt;
use std::sync::Arc;

use delta_core::{
    Access, Error, ErrorKind, EventTable, EventTables, ForeignId, Gap, Gaps, NewEvent, Result, TableEvent,
    borrow_session,
};

use crate::client::Client;
use crate::log::fill_gaps::{FillGaps, Filler};
use crate::log::gaps::GapListener;
use crate::log::head::Head;
use crate::log::loader::{Inserter, Loader, StoreInserter, StoreLoader};
use crate::log::table_source::TableSource;
use crate::log::wake::LogWake;
use crate::log::{Log, source};

/// An application's own log, in a table of its own: [`Client::event_log`]. Clones are the same log.
pub struct EventLog<S> {
    client: Client<S>,
    table: EventTable,
    head: Arc<Head<TableEvent>>,
    inserter: Arc<dyn Inserter<S>>,
}

impl<S: EventTables> Client<S> {
    /// A log of the application's own. Only the table's names and numbers are checked: [`EventLog::create`] makes the table,
    /// [`EventLog::inspect`] looks whether it is as it has to be.
    ///
    /// All that a client makes of an equal table share what they read at its head.
    ///
    /// # Errors
    ///
    /// `Invalid` for a wrong name or number.
    ///
    /// # Examples
    ///
    /// ```
    /// use delta::core::{EventTable, TableFilter};
    /// use delta::{Client, MemoryStore, Position};
    /// use futures::{StreamExt, TryStreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), delta::Error> {
    /// const SIGNED_UP: i64 = 1;
    ///
    /// let store = MemoryStore::new();
    /// let client = Client::builder(store.clone()).build()?;
    /// let users = client.event_log(EventTable::new("user_events").metadata_column("metadata"))?;
    /// users.create().await?;
    ///
    /// let mut tx = store.begin().await?;
    /// // The program's own statements, and:
    /// let wake = users.insert_with_metadata(&mut tx, "u1", SIGNED_UP, b"by mail").await?;
    /// tx.commit().await?;
    /// wake.send();
    ///
    /// let events = users.log().stream(Position::START, TableFilter::of_kinds([SIGNED_UP]));
    /// let events: Vec<_> = events.take(1).try_collect().await?;
    /// assert_eq!(events[0].foreign_id, "u1".into());
    /// # Ok(())
    /// # }
    /// ```
    pub fn event_log(&self, table: EventTable) -> Result<EventLog<S>> {
        table.check()?;
        let loader = || Arc::new(StoreLoader::new(self.bounded(), table.clone()));
        let make =
            || Head::new(self.engine.clone(), Arc::new(TableSource::new(self.bounded(), table.clone(), loader())));
        let head = self.engine.logs.head(&table.log_name(), Some(&table), make);
        let inserter = Arc::new(StoreInserter(self.store.clone()));
        Ok(EventLog { client: self.clone(), table, head, inserter })
    }
}

impl<S: EventTables> EventLog<S> {
    /// Reads with another loader. What it reads is not shared with logs that were made without it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU64, Ordering};
    /// # use std::sync::Arc;
    /// use delta::core::{EventTable, LogPage, TableEvent, TableQuery};
    /// use delta::{Client, Loader, MemoryStore, Position, StoreLoader};
    /// use futures::future::BoxFuture;
    ///
    /// /// Counts queries.
    /// struct Counted(StoreLoader<MemoryStore>, Arc<AtomicU64>);
    ///
    /// impl Loader for Counted {
    ///     fn load<'a>(&'a self, query: &'a TableQuery) -> BoxFuture<'a, delta::Result<LogPage<TableEvent>>> {
    ///         self.1.fetch_add(1, Ordering::Relaxed);
    ///         self.0.load(query)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), delta::Error> {
    /// let client = Client::builder(MemoryStore::new()).build()?;
    /// let users = client.event_log(EventTable::new("user_events"))?;
    /// users.create().await?;
    /// let queries = Arc::new(AtomicU64::new(0));
    /// let users = users.clone().with_loader(Counted(users.loader(), queries.clone()));
    /// users.log().page(Position::START, 10, &Default::default()).await?;
    /// assert_eq!(queries.load(Ordering::Relaxed), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_loader(mut self, loader: impl Loader) -> Self {
        let source = TableSource::new(self.client.bounded(), self.table.clone(), Arc::new(loader));
        self.head = Arc::new(Head::new(self.client.engine.clone(), Arc::new(source)));
        self
    }

    /// Appends with another inserter.
    #[must_use]
    pub fn with_inserter(mut self, inserter: impl Inserter<S>) -> Self {
        self.inserter = Arc::new(inserter);
        self
    }

    /// The store's own loader of this table, for one that adds something to it.
    #[must_use]
    pub fn loader(&self) -> StoreLoader<S> {
        StoreLoader::new(self.client.bounded(), self.table.clone())
    }

    /// The table as it was given.
    #[must_use]
    pub fn table(&self) -> &EventTable {
        &self.table
    }

    /// The statements that make the table and what keeps its readers in order, for the application's own migrations.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the store has none for such a table.
    pub fn sql(&self) -> Result<String> {
        self.client.store.event_table_sql(&self.table)
    }

    /// Makes the table unless it is there, on a connection of Delta's own.
    ///
    /// # Errors
    ///
    /// `Unavailable`, or what the database says against it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, part of it may be there; calling it again makes the rest.
    pub async fn create(&self) -> Result<()> {
        let store = &self.client.store;
        let mut conn = store.acquire(Access::Write).await?;
        let created = store.create_event_table(&mut conn, &self.table).await;
        source::finish(store, conn, created)
    }

    /// Looks whether the live table has the columns, types and keys that it needs, and what keeps its readers in order.
    ///
    /// # Errors
    ///
    /// `Unsupported`, naming the table, the column, what was expected and what was found.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn inspect(&self) -> Result<()> {
        let store = &self.client.store;
        let mut conn = store.acquire(Access::Read).await?;
        let inspected = store.inspect_event_table(&mut conn, &self.table).await;
        source::finish(store, conn, inspected)
    }

    /// Appends an event of now (by the client's clock, which follows the server's), in the caller's transaction.
    ///
    /// Send the [`LogWake`] after the commit. A caller's rollback leaves nothing behind.
    ///
    /// # Errors
    ///
    /// `Invalid`, with nothing written, for a noop event or a foreign id that the table cannot hold; `Conflict`: the caller's
    /// transaction is over.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the event may be part of the transaction.
    pub async fn insert(&self, conn: &mut S::Conn, foreign_id: impl Into<ForeignId>, kind: i64) -> Result<LogWake> {
        self.insert_one(conn, foreign_id.into(), kind, None).await
    }

    /// Appends an event with metadata; like [`insert`](Self::insert).
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), and `Invalid` if the table has no column for metadata.
    ///
    /// # Cancel safety
    ///
    /// As [`insert`](Self::insert).
    pub async fn insert_with_metadata(
        &self,
        conn: &mut S::Conn,
        foreign_id: impl Into<ForeignId>,
        kind: i64,
        metadata: impl Into<Vec<u8>>,
    ) -> Result<LogWake> {
        self.insert_one(conn, foreign_id.into(), kind, Some(metadata.into())).await
    }

    /// Appends events in their order, all or none, in the caller's transaction, or in one of its own if the connection is in
    /// none; like [`insert`](Self::insert).
    ///
    /// # Errors
    ///
    /// As [`insert_with_metadata`](Self::insert_with_metadata).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, all of the events may be part of the transaction, or none.
    pub async fn append(&self, conn: &mut S::Conn, events: &[NewEvent]) -> Result<LogWake> {
        let positions = self.inserter.insert(conn, &self.table, events).await?;
        let (engine, log) = (self.client.engine.clone(), self.table.log_name());
        Ok(LogWake { engine, log, notifier: self.table.notified_by(), positions })
    }

    async fn insert_one(
        &self,
        conn: &mut S::Conn,
        foreign_id: ForeignId,
        kind: i64,
        metadata: Option<Vec<u8>>,
    ) -> Result<LogWake> {
        let at = self.client.engine.now(&mut borrow_session(&self.client.store, conn)).await?;
        self.append(conn, &[NewEvent { metadata, ..NewEvent::new(foreign_id, kind, at) }]).await
    }

    /// The log of the table, to be read.
    #[must_use]
    pub fn log(&self) -> Log<S, TableEvent> {
        Log::new(self.client.clone(), self.head.clone())
    }

    /// Calls back when readers of this log stand before a gap: missing ids that an open transaction may yet fill. Once for
    /// each, and once for the one that they stand before now.
    ///
    /// Only a table with [`Gaps::Waited`] has them. It is called within a reader: it is to return soon, and may not block.
    pub fn on_gap(&self, listen: impl Fn(Gap) + Send + Sync + 'static) -> GapListener {
        self.head.gaps.listen(listen)
    }

    /// Fills gaps with noop events, where no open transaction has their ids, until `shutdown`: for tables that follow the
    /// gap-filling scheme. Returns how many ids were filled.
    ///
    /// It finds gaps by itself, all of them and not only the one that readers stand before, and fills several at once: one
    /// that an open transaction keeps open holds up no other. Several processes may do so at the same time.
    ///
    /// # Errors
    ///
    /// `Invalid` if the gaps of the table are not waited for. Errors of the store are logged and counted, and it goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends it as `shutdown` does: at once, and each gap is filled or not.
    pub async fn fill_gaps(&self, options: FillGaps, shutdown: impl Future<Output = ()> + Send) -> Result<u64> {
        if self.table.gap_rule() != Gaps::Waited {
            let what = format!("expected a table whose gaps are waited for, found {}", self.table.name());
            return Err(Error::new(ErrorKind::Invalid, "fill gaps", what));
        }
        Ok(Filler::new(&self.client, &self.table, &self.head, options).run(shutdown).await)
    }
}

impl<S: Clone> Clone for EventLog<S> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            table: self.table.clone(),
            head: self.head.clone(),
            inserter: self.inserter.clone(),
        }
    }
}

impl<S> fmt::Debug for EventLog<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog").field("table", &self.table).finish_non_exhaustive()
    }
}
