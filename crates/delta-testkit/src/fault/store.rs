use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, Lane, LaneQuery, ListQuery, Load, LogHolder, Receipt, Resource, Result, ScopeRecord,
    StateCount, Store, Timestamp, WakeUpSignal, Wakeups,
};

use super::operation::Operation;
use super::plan::{Fault, FaultPlan};

/// A store whose calls fail, are late, break off, or lose their answer, as a [`FaultPlan`] says. Everything else is the
/// inner store's: its connections, its guards, its wake-ups.
///
/// # Examples
///
/// A commit that is done, and whose answer is lost:
///
/// ```
/// use delta_core::{Access, Changeset, Cursor, CursorQuery, ErrorKind, Store, Timestamp};
/// use delta_store_memory::MemoryStore;
/// use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// let plan = FaultPlan::new();
/// let store = FaultStore::new(MemoryStore::new(), plan.clone());
/// plan.inject(Operation::Commit, Calls::Nth(1), Fault::LoseAnswer);
///
/// let mut changes = Changeset::new(Timestamp::EPOCH);
/// changes.cursors.push(Cursor::new("mailer").put());
/// let mut conn = store.acquire(Access::Write).await?;
/// let error = store.commit(&mut conn, &changes).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unavailable);
/// store.discard(conn);
///
/// let mut conn = store.acquire(Access::Write).await?;
/// let mailer = CursorQuery::Names(vec!["mailer".to_owned()]);
/// assert_eq!(store.cursors(&mut conn, &mailer).await?.len(), 1, "it was done all the same");
/// assert_eq!(plan.hits(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultStore<S> {
    inner: S,
    plan: FaultPlan,
}

impl<S> FaultStore<S> {
    /// Wraps a store.
    #[must_use]
    pub fn new(inner: S, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    /// The store inside, whose calls no fault hits.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    pub(super) async fn hit<T>(&self, operation: Operation, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.plan.called(operation) {
            None => call.await,
            Some(Fault::Fail(kind)) => Err(Error::new(kind, operation.as_str(), "injected")),
            Some(Fault::Delay(delay)) => {
                wait(delay).await;
                call.await
            }
            Some(Fault::Drop { polls }) => {
                poll_and_drop(call, polls).await;
                Err(lost(operation))
            }
            Some(Fault::LoseAnswer) => {
                call.await?;
                Err(lost(operation))
            }
            #[cfg(feature = "database")]
            Some(Fault::Kill(side)) => super::crash::kill_at(side, call).await,
        }
    }
}

fn lost(operation: Operation) -> Error {
    Error::new(ErrorKind::Unavailable, operation.as_str(), "injected: the connection was lost before the answer")
}

async fn wait(delay: Duration) {
    #[expect(clippy::disallowed_methods, reason = "this is the fault; a test may pause tokio's clock")]
    tokio::time::sleep(delay).await;
}

async fn poll_and_drop<T>(call: impl Future<Output = T>, polls: u32) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if futures::poll!(call.as_mut()).is_ready() {
            return;
        }
        // Whatever the call waits for gets its turn between two polls.
        tokio::task::yield_now().await;
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for FaultStore<S> {
    type Conn = S::Conn;
    type Guard = S::Guard;

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        self.inner.wakeups()
    }

    /// A wake-up has no answer: what would fail or be dropped is not sent, without a word.
    async fn wake(&self, signals: &[WakeUpSignal]) {
        let call = async {
            self.inner.wake(signals).await;
            Ok(())
        };
        // Best effort: losing it is what the contract allows.
        let _ = self.hit(Operation::Wake, call).await;
    }

    async fn acquire(&self, access: Access) -> Result<S::Guard> {
        self.hit(Operation::Acquire, self.inner.acquire(access)).await
    }

    fn discard(&self, guard: S::Guard) {
        self.inner.discard(guard);
    }

    async fn check(&self, conn: &mut S::Conn) -> Result<()> {
        self.hit(Operation::Check, self.inner.check(conn)).await
    }

    async fn now(&self, conn: &mut S::Conn) -> Result<Timestamp> {
        self.hit(Operation::Now, self.inner.now(conn)).await
    }

    async fn load(&self, conn: &mut S::Conn, query: &Load) -> Result<Vec<Resource>> {
        self.hit(Operation::Load, self.inner.load(conn, query)).await
    }

    async fn commit(&self, conn: &mut S::Conn, changes: &Changeset) -> Result<Receipt> {
        self.hit(Operation::Commit, self.inner.commit(conn, changes)).await
    }

    async fn claim(&self, conn: &mut S::Conn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        self.hit(Operation::Claim, self.inner.claim(conn, finished, request)).await
    }

    async fn lanes(&self, conn: &mut S::Conn, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.hit(Operation::Lanes, self.inner.lanes(conn, query)).await
    }

    async fn due(&self, conn: &mut S::Conn, query: &DueQuery) -> Result<Vec<Resource>> {
        self.hit(Operation::Due, self.inner.due(conn, query)).await
    }

    async fn events(&self, conn: &mut S::Conn, query: &EventQuery) -> Result<EventPage> {
        self.hit(Operation::Events, self.inner.events(conn, query)).await
    }

    async fn cursors(&self, conn: &mut S::Conn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.hit(Operation::Cursors, self.inner.cursors(conn, query)).await
    }

    async fn scopes(&self, conn: &mut S::Conn) -> Result<Vec<ScopeRecord>> {
        self.hit(Operation::Scopes, self.inner.scopes(conn)).await
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Browse> Browse for FaultStore<S> {
    async fn list(&self, conn: &mut S::Conn, query: &ListQuery) -> Result<Vec<Resource>> {
        self.hit(Operation::List, self.inner.list(conn, query)).await
    }

    async fn count(&self, conn: &mut S::Conn, filter: &Filter) -> Result<Vec<StateCount>> {
        self.hit(Operation::Count, self.inner.count(conn, filter)).await
    }

    async fn log_holders(&self, conn: &mut S::Conn) -> Result<Vec<LogHolder>> {
        self.hit(Operation::LogHolders, self.inner.log_holders(conn)).await
    }
}
