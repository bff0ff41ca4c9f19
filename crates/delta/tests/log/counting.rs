//! A store that counts what is asked of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use delta::core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DeadLetter, DeadLetterQuery,
    DeadLetterStatus, DueQuery, ErrorTable, EventQuery, Lane, LaneQuery, Load, LogHolder, LogStore, Receipt,
    ScopeRecord, StateCount, Store, Trimmed, WakeUpSignal, Wakeups,
};
use delta::{EventPage, Filter, ListQuery, MemoryStore, Position, Result, Timestamp};
use futures::StreamExt as _;

/// What was asked so far.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) events: AtomicU64,
    pub(crate) cursors: AtomicU64,
    pub(crate) wakes: AtomicU64,
    pub(crate) subscribed: AtomicU64,
    pub(crate) unsubscribed: AtomicU64,
}

/// A memory store that counts.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    pub(crate) inner: MemoryStore,
    pub(crate) asked: Arc<Asked>,
}

impl Counting {
    pub(crate) fn new(inner: MemoryStore) -> Self {
        Self { inner, asked: Arc::default() }
    }

    pub(crate) fn queries(&self) -> u64 {
        self.asked.events.load(Ordering::SeqCst)
    }
}

/// Counts when it goes.
struct Goes(Arc<Asked>);

impl Drop for Goes {
    fn drop(&mut self) {
        self.0.unsubscribed.fetch_add(1, Ordering::SeqCst);
    }
}

type Conn = <MemoryStore as Store>::Conn;

impl Store for Counting {
    type Conn = Conn;
    type Guard = <MemoryStore as Store>::Guard;

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        self.asked.subscribed.fetch_add(1, Ordering::SeqCst);
        let goes = Goes(self.asked.clone());
        self.inner.wakeups().map(|wakeups| {
            Wakeups::new(wakeups.map(move |signal| {
                let _ = &goes;
                signal
            }))
        })
    }

    async fn wake(&self, signals: &[WakeUpSignal]) {
        self.asked.wakes.fetch_add(1, Ordering::SeqCst);
        self.inner.wake(signals).await;
    }

    async fn acquire(&self, access: Access) -> Result<Self::Guard> {
        self.inner.acquire(access).await
    }

    fn discard(&self, guard: Self::Guard) {
        self.inner.discard(guard);
    }

    async fn check(&self, conn: &mut Conn) -> Result<()> {
        self.inner.check(conn).await
    }

    async fn now(&self, conn: &mut Conn) -> Result<Timestamp> {
        self.inner.now(conn).await
    }

    async fn load(&self, conn: &mut Conn, query: &Load) -> Result<Vec<delta::core::Resource>> {
        self.inner.load(conn, query).await
    }

    async fn commit(&self, conn: &mut Conn, changes: &Changeset) -> Result<Receipt> {
        self.inner.commit(conn, changes).await
    }

    async fn claim(&self, conn: &mut Conn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        self.inner.claim(conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut Conn, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.inner.lanes(conn, query).await
    }

    async fn due(&self, conn: &mut Conn, query: &DueQuery) -> Result<Vec<delta::core::Resource>> {
        self.inner.due(conn, query).await
    }

    async fn events(&self, conn: &mut Conn, query: &EventQuery) -> Result<EventPage> {
        self.asked.events.fetch_add(1, Ordering::SeqCst);
        self.inner.events(conn, query).await
    }

    async fn cursors(&self, conn: &mut Conn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.asked.cursors.fetch_add(1, Ordering::SeqCst);
        self.inner.cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut Conn) -> Result<Vec<ScopeRecord>> {
        self.inner.scopes(conn).await
    }
}

impl Browse for Counting {
    async fn list(&self, conn: &mut Conn, query: &ListQuery) -> Result<Vec<delta::core::Resource>> {
        self.inner.list(conn, query).await
    }

    async fn count(&self, conn: &mut Conn, filter: &Filter) -> Result<Vec<StateCount>> {
        self.inner.count(conn, filter).await
    }

    async fn log_holders(&self, conn: &mut Conn) -> Result<Vec<LogHolder>> {
        self.inner.log_holders(conn).await
    }
}

impl LogStore for Counting {
    async fn begin_tx(&self, conn: &mut Conn) -> Result<()> {
        self.inner.begin_tx(conn).await
    }

    async fn commit_tx(&self, conn: &mut Conn) -> Result<()> {
        self.inner.commit_tx(conn).await
    }

    async fn rollback_tx(&self, conn: &mut Conn) -> Result<()> {
        self.inner.rollback_tx(conn).await
    }

    async fn trimmed(&self, conn: &mut Conn) -> Result<Position> {
        self.inner.trimmed(conn).await
    }

    async fn trim(&self, conn: &mut Conn, up_to: Position, limit: u32) -> Result<Trimmed> {
        self.inner.trim(conn, up_to, limit).await
    }

    fn dead_letter_table(&self) -> ErrorTable {
        self.inner.dead_letter_table()
    }

    async fn put_dead_letter(&self, conn: &mut Conn, table: &ErrorTable, letter: &DeadLetter) -> Result<i64> {
        self.inner.put_dead_letter(conn, table, letter).await
    }

    async fn dead_letters(
        &self,
        conn: &mut Conn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> Result<Vec<DeadLetter>> {
        self.inner.dead_letters(conn, table, query).await
    }

    async fn mark_dead_letters(
        &self,
        conn: &mut Conn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> Result<u64> {
        self.inner.mark_dead_letters(conn, table, ids, from, to, now).await
    }
}
