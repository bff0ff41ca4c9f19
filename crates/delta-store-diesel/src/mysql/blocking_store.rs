use std::fmt;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, Lane, LaneQuery, ListQuery, Load, LogHolder, Receipt, Resource, Result, ScopeRecord,
    StateCount, Store, Timestamp, WakeUpSignal, Wakeups,
};
use delta_sql::mysql::Tables;

use super::blocking::{BlockingDriver, BlockingMySql};
use crate::blocking::in_transaction;

/// A [`MySqlDieselStore`](crate::MySqlDieselStore) on blocking connections of its caller's: it has none of its own.
///
/// It is the same store, statement by statement; its futures are ready at once. There is nothing to run it, only
/// changesets to be committed beside the statements of a blocking program.
///
/// A connection is to have been told [`MYSQL_SESSION`](crate::MYSQL_SESSION) before: [`Store::check`] finds one that has not.
pub struct BlockingMySqlStore<C> {
    tables: Tables<BlockingDriver<C>>,
}

impl<C: BlockingMySql> BlockingMySqlStore<C> {
    pub(super) fn new(tables: Tables<BlockingDriver<C>>) -> Self {
        Self { tables }
    }

    /// Does something in the transaction that the connection is in, or else in one of its own.
    ///
    /// Nothing repeats it, for that would take waiting: after a `Conflict` it is for the caller to do it again.
    pub fn in_transaction<T>(&self, conn: &mut C, work: impl FnOnce(&mut C) -> Result<T>) -> Result<T> {
        in_transaction(self.tables.driver(), conn, "START TRANSACTION", work)
    }
}

impl<C> Clone for BlockingMySqlStore<C> {
    fn clone(&self) -> Self {
        Self { tables: self.tables.clone() }
    }
}

impl<C: BlockingMySql> fmt::Debug for BlockingMySqlStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingMySqlStore").field("settings", self.tables.settings()).finish_non_exhaustive()
    }
}

impl<C: BlockingMySql> Store for BlockingMySqlStore<C> {
    type Conn = C;
    type Guard = Box<C>;

    fn capabilities(&self) -> Capabilities {
        self.tables.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        None
    }

    async fn wake(&self, _signals: &[WakeUpSignal]) {}

    async fn acquire(&self, _access: Access) -> Result<Box<C>> {
        let what = "expected a connection of the caller's: there are no blocking ones to be had";
        Err(Error::new(ErrorKind::Unsupported, "acquire", what))
    }

    fn discard(&self, _guard: Box<C>) {}

    async fn check(&self, conn: &mut C) -> Result<()> {
        self.tables.check(conn).await
    }

    async fn now(&self, conn: &mut C) -> Result<Timestamp> {
        self.tables.now(conn).await
    }

    async fn load(&self, conn: &mut C, query: &Load) -> Result<Vec<Resource>> {
        self.tables.load(conn, query).await
    }

    async fn commit(&self, conn: &mut C, changes: &Changeset) -> Result<Receipt> {
        self.tables.commit(conn, changes).await
    }

    async fn claim(&self, conn: &mut C, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        self.tables.claim(conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut C, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.tables.lanes(conn, query).await
    }

    async fn due(&self, conn: &mut C, query: &DueQuery) -> Result<Vec<Resource>> {
        self.tables.due(conn, query).await
    }

    async fn events(&self, conn: &mut C, query: &EventQuery) -> Result<EventPage> {
        self.tables.events(conn, query).await
    }

    async fn cursors(&self, conn: &mut C, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.tables.cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut C) -> Result<Vec<ScopeRecord>> {
        self.tables.scopes(conn).await
    }
}

impl<C: BlockingMySql> Browse for BlockingMySqlStore<C> {
    async fn list(&self, conn: &mut C, query: &ListQuery) -> Result<Vec<Resource>> {
        self.tables.list(conn, query).await
    }

    async fn count(&self, conn: &mut C, filter: &Filter) -> Result<Vec<StateCount>> {
        self.tables.count(conn, filter).await
    }

    async fn log_holders(&self, conn: &mut C) -> Result<Vec<LogHolder>> {
        self.tables.log_holders(conn).await
    }
}
