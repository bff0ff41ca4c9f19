use std::future::Future;
use std::time::Duration;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DeadLetter, DeadLetterQuery,
    DeadLetterStatus, DueQuery, Error, ErrorKind, ErrorTable, EventPage, EventQuery, EventTable, EventTables, Filter,
    Lane, LaneQuery, ListQuery, Load, LogHolder, LogPage, LogStore, Position, Receipt, Resource, Result, ScopeRecord,
    StateCount, Store, TableEvent, TableQuery, Timestamp, Trimmed, WakeUpSignal, Wakeups,
};
use tokio::time::timeout;

/// A store whose every answer comes in time, or is `Unavailable`: a connection may be dead without anybody telling.
///
/// Who is told so throws the connection away, as of every `Unavailable`. A call that is given up has happened whole or not
/// at all, or still will.
#[derive(Clone, Debug)]
pub(crate) struct Bounded<S> {
    store: S,
    limit: Option<Duration>,
}

impl<S> Bounded<S> {
    pub(crate) fn new(store: S, limit: Option<Duration>) -> Self {
        Self { store, limit }
    }

    async fn in_time<T>(&self, operation: &'static str, answer: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let Some(limit) = self.limit else { return answer.await };
        timeout(limit, answer).await.unwrap_or_else(|_| {
            let what = format!("expected an answer within {limit:?}, found none");
            Err(Error::new(ErrorKind::Unavailable, operation, what))
        })
    }
}

impl<S: Store> Store for Bounded<S> {
    type Conn = S::Conn;
    type Guard = S::Guard;

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        self.store.wakeups()
    }

    async fn wake(&self, signals: &[WakeUpSignal]) {
        self.store.wake(signals).await;
    }

    async fn acquire(&self, access: Access) -> Result<S::Guard> {
        self.in_time("acquire", self.store.acquire(access)).await
    }

    fn discard(&self, guard: S::Guard) {
        self.store.discard(guard);
    }

    async fn check(&self, conn: &mut S::Conn) -> Result<()> {
        self.in_time("check", self.store.check(conn)).await
    }

    async fn now(&self, conn: &mut S::Conn) -> Result<Timestamp> {
        self.in_time("now", self.store.now(conn)).await
    }

    async fn load(&self, conn: &mut S::Conn, query: &Load) -> Result<Vec<Resource>> {
        self.in_time("load", self.store.load(conn, query)).await
    }

    async fn commit(&self, conn: &mut S::Conn, changes: &Changeset) -> Result<Receipt> {
        self.in_time("commit", self.store.commit(conn, changes)).await
    }

    async fn claim(&self, conn: &mut S::Conn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        self.in_time("claim", self.store.claim(conn, finished, request)).await
    }

    async fn lanes(&self, conn: &mut S::Conn, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.in_time("lanes", self.store.lanes(conn, query)).await
    }

    async fn due(&self, conn: &mut S::Conn, query: &DueQuery) -> Result<Vec<Resource>> {
        self.in_time("due", self.store.due(conn, query)).await
    }

    async fn events(&self, conn: &mut S::Conn, query: &EventQuery) -> Result<EventPage> {
        self.in_time("events", self.store.events(conn, query)).await
    }

    async fn cursors(&self, conn: &mut S::Conn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.in_time("cursors", self.store.cursors(conn, query)).await
    }

    async fn scopes(&self, conn: &mut S::Conn) -> Result<Vec<ScopeRecord>> {
        self.in_time("scopes", self.store.scopes(conn)).await
    }
}

impl<S: Browse> Browse for Bounded<S> {
    async fn list(&self, conn: &mut S::Conn, query: &ListQuery) -> Result<Vec<Resource>> {
        self.in_time("list", self.store.list(conn, query)).await
    }

    async fn count(&self, conn: &mut S::Conn, filter: &Filter) -> Result<Vec<StateCount>> {
        self.in_time("count", self.store.count(conn, filter)).await
    }

    async fn log_holders(&self, conn: &mut S::Conn) -> Result<Vec<LogHolder>> {
        self.in_time("log holders", self.store.log_holders(conn)).await
    }
}

impl<S: LogStore> LogStore for Bounded<S> {
    async fn begin_tx(&self, conn: &mut S::Conn) -> Result<()> {
        self.in_time("begin", self.store.begin_tx(conn)).await
    }

    async fn commit_tx(&self, conn: &mut S::Conn) -> Result<()> {
        self.in_time("commit", self.store.commit_tx(conn)).await
    }

    async fn rollback_tx(&self, conn: &mut S::Conn) -> Result<()> {
        self.in_time("roll back", self.store.rollback_tx(conn)).await
    }

    async fn trimmed(&self, conn: &mut S::Conn) -> Result<Position> {
        self.in_time("trimmed", self.store.trimmed(conn)).await
    }

    async fn trim(&self, conn: &mut S::Conn, up_to: Position, limit: u32) -> Result<Trimmed> {
        self.in_time("trim", self.store.trim(conn, up_to, limit)).await
    }

    fn dead_letter_table(&self) -> ErrorTable {
        self.store.dead_letter_table()
    }

    async fn put_dead_letter(&self, conn: &mut S::Conn, table: &ErrorTable, letter: &DeadLetter) -> Result<i64> {
        self.in_time("put a dead letter", self.store.put_dead_letter(conn, table, letter)).await
    }

    async fn dead_letters(
        &self,
        conn: &mut S::Conn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        self.in_time("dead letters", self.store.dead_letters(conn, table, query)).await
    }

    async fn mark_dead_letters(
        &self,
        conn: &mut S::Conn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        self.in_time("mark dead letters", self.store.mark_dead_letters(conn, table, ids, from, to, now)).await
    }
}

/// What is read of applications' logs.
impl<S: EventTables> Bounded<S> {
    pub(crate) async fn table_events(
        &self,
        conn: &mut S::Conn,
        table: &EventTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        self.in_time("events of a table", self.store.table_events(conn, table, query)).await
    }

    pub(crate) async fn table_holders(&self, conn: &mut S::Conn, table: &EventTable) -> Result<Vec<LogHolder>> {
        self.in_time("log holders", self.store.table_holders(conn, table)).await
    }

    pub(crate) async fn table_trimmed(&self, conn: &mut S::Conn, table: &EventTable) -> Result<Position> {
        self.in_time("trimmed", self.store.table_trimmed(conn, table)).await
    }

    pub(crate) async fn trim_table(
        &self,
        conn: &mut S::Conn,
        table: &EventTable,
        up_to: Position,
        limit: u32,
    ) -> Result<Trimmed> {
        self.in_time("trim", self.store.trim_table(conn, table, up_to, limit)).await
    }
}
