use std::fmt;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, Lane, LaneQuery, ListQuery, Load, LogHolder, Receipt, Resource, Result, ScopeRecord,
    StateCount, Store, Timestamp, WakeUpSignal, WakeupReach, Wakeups,
};
use delta_sql::postgres::Tables;

use super::blocking::{BlockingDriver, BlockingPg};
use crate::blocking::in_transaction;

/// A [`PgDieselStore`](crate::PgDieselStore) on blocking connections of its caller's: it has none of its own.
///
/// It is the same store, statement by statement; its futures are ready at once. There is nothing to run it, only
/// changesets to be committed beside the statements of a blocking program.
///
/// diesel does not tell most of the server's error codes. The server's words say what an error means, if they are English
/// (`lc_messages`).
pub struct BlockingPgStore<C> {
    tables: Tables<BlockingDriver<C>>,
}

impl<C: BlockingPg> BlockingPgStore<C> {
    pub(super) fn new(tables: Tables<BlockingDriver<C>>) -> Self {
        Self { tables }
    }

    /// Does something in the transaction that the connection is in, or else in one of its own.
    ///
    /// Nothing repeats it, for that would take waiting: after a `Conflict` it is for the caller to do it again.
    pub fn in_transaction<T>(&self, conn: &mut C, work: impl FnOnce(&mut C) -> Result<T>) -> Result<T> {
        in_transaction(self.tables.driver(), conn, "BEGIN ISOLATION LEVEL READ COMMITTED", work)
    }
}

impl<C> Clone for BlockingPgStore<C> {
    fn clone(&self) -> Self {
        Self { tables: self.tables.clone() }
    }
}

impl<C: BlockingPg> fmt::Debug for BlockingPgStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPgStore").field("settings", self.tables.settings()).finish_non_exhaustive()
    }
}

impl<C: BlockingPg> Store for BlockingPgStore<C> {
    type Conn = C;
    type Guard = Box<C>;

    fn capabilities(&self) -> Capabilities {
        Capabilities { wakeups: WakeupReach::None, ..self.tables.capabilities() }
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

impl<C: BlockingPg> Browse for BlockingPgStore<C> {
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
