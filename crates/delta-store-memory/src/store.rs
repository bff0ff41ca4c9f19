use std::collections::BTreeSet;
use std::sync::Arc;

use delta_core::{
    Access, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind, EventPage,
    EventQuery, Lane, LaneQuery, Load, LoadBy, LogName, Processes, Receipt, Resource, ResourceId, Result, ScopeRecord,
    Store, Timestamp, WakeUpSignal, WakeupReach, Wakeups, Writers,
};
use futures::stream;
use tokio::sync::broadcast::error::RecvError;

use crate::apply::{Step, apply};
use crate::claim::claim;
use crate::conn::{MemoryConn, MemoryGuard, Mode};
use crate::lock::Lock;
use crate::log::Reading;
use crate::shared::Shared;
use crate::transaction::MemoryTransaction;
use crate::view::View;
use crate::workspace::Workspace;
use crate::{clock, scan, trim};

/// A store in memory. Clones share one database, which is gone with the last of them.
///
/// # Guarantees
///
/// The whole contract of [`Store`]. It needs no runtime, and sleeps for nothing: it runs under tokio's paused clock.
///
/// # Examples
///
/// ```
/// # use delta_core::{Access, Store};
/// # use delta_store_memory::MemoryStore;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// let store = MemoryStore::new();
/// let mut conn = store.acquire(Access::Read).await?;
/// assert!(store.scopes(&mut conn).await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

impl MemoryStore {
    /// An empty database, whose own time is the machine's.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(clock::machine)
    }

    /// An empty database, whose own time (what [`Store::now`] says) is this one.
    #[must_use]
    pub fn with_clock(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { shared: Arc::new(Shared::new(Arc::new(clock))) }
    }

    /// Opens a transaction on a connection of its own.
    ///
    /// # Cancel safety
    ///
    /// It never waits: it is done as soon as it is polled.
    #[expect(clippy::unused_async, reason = "the same shape as a driver's, which does wait")]
    pub async fn begin(&self) -> Result<MemoryTransaction> {
        Ok(MemoryTransaction::new(MemoryConn::new(self.shared.clone(), Access::Write)))
    }

    /// Changes a committed row by hand, past every rule: how a test makes one that no program writes. `None` if there
    /// is no such row.
    #[doc(hidden)]
    pub fn edit<T>(&self, id: ResourceId, edit: impl FnOnce(&mut Resource) -> T) -> Option<T> {
        self.shared.database().rows.get_mut(&id).map(edit)
    }

    /// The connection, if it is one to this store's database.
    pub(crate) fn own<'a>(&self, conn: &'a mut MemoryConn) -> Result<&'a mut MemoryConn> {
        if Arc::ptr_eq(&self.shared, &conn.shared) {
            Ok(conn)
        } else {
            let what = "expected a connection to this store's database, found one to another";
            Err(Error::new(ErrorKind::Invalid, "use a connection", what))
        }
    }

    /// Takes a step in the caller's transaction, or in one of its own.
    pub(crate) async fn write<T>(
        &self,
        conn: &mut MemoryConn,
        mut step: impl FnMut(&mut crate::database::Database, &mut Workspace) -> Step<T>,
    ) -> Result<T> {
        let tx = conn.tx();
        let stepped = match &mut conn.mode {
            Mode::Open(work) => self.shared.until_free(tx, |db| Ok(step(db, work))).await,
            Mode::Auto | Mode::Over => {
                let since = self.shared.now();
                let alone = |db: &mut crate::database::Database| {
                    let mut work = db.begin(since);
                    match step(db, &mut work) {
                        Step::Done(done) => Ok(Step::Done((done, db.merge(work)))),
                        Step::Blocked(holders) => {
                            db.forget(work.tx);
                            Ok(Step::Blocked(holders))
                        }
                    }
                };
                let (done, lanes) = self.shared.until_free(None, alone).await?;
                self.shared.wake(&lanes);
                return Ok(done);
            }
        };
        if stepped.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
            conn.roll_back(Mode::Over);
        }
        stepped
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

fn invalid(operation: &'static str, what: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, operation, what)
}

fn found(view: View<'_>, by: &LoadBy) -> BTreeSet<ResourceId> {
    match by {
        LoadBy::Keys(keys) => keys.iter().filter_map(|key| view.id_of(key)).collect(),
        LoadBy::Ids(ids) => ids.iter().copied().filter(|id| view.row(*id).is_some()).collect(),
    }
}

fn rows(view: View<'_>, query: &Load) -> Vec<Resource> {
    let found = found(view, &query.by);
    found.into_iter().filter_map(|id| view.row(id)).map(|row| row.clone().at_depth(query.depth)).collect()
}

/// Locks what is found for the transaction, and reads it then.
fn lock_rows(db: &mut crate::database::Database, work: &mut Workspace, query: &Load) -> Step<Vec<Resource>> {
    let locks: Vec<Lock> = found(View::new(db, Some(work)), &query.by).into_iter().map(Lock::Row).collect();
    let holders: BTreeSet<_> = locks.iter().filter_map(|lock| db.locks.held_by_other(lock, work.tx)).collect();
    if !holders.is_empty() {
        return Step::Blocked(holders);
    }
    for lock in locks {
        db.locks.take(lock, work.tx);
    }
    Step::Done(rows(View::new(db, Some(work)), query))
}

impl Store for MemoryStore {
    type Conn = MemoryConn;
    type Guard = MemoryGuard;

    fn capabilities(&self) -> Capabilities {
        Capabilities { wakeups: WakeupReach::Process, processes: Processes::One, writers: Writers::Many }
    }

    fn wakeups(&self) -> Option<Wakeups> {
        let receiver = self.shared.wakeups.subscribe();
        Some(Wakeups::new(stream::unfold(receiver, |mut receiver| async move {
            let signal = match receiver.recv().await {
                Ok(signal) => signal,
                Err(RecvError::Lagged(_)) => WakeUpSignal::All,
                Err(RecvError::Closed) => std::future::pending().await,
            };
            Some((signal, receiver))
        })))
    }

    async fn wake(&self, signals: &[WakeUpSignal]) {
        self.shared.send(signals.iter().cloned());
    }

    async fn acquire(&self, access: Access) -> Result<MemoryGuard> {
        Ok(MemoryGuard(MemoryConn::new(self.shared.clone(), access)))
    }

    fn discard(&self, guard: MemoryGuard) {
        drop(guard);
    }

    async fn check(&self, conn: &mut MemoryConn) -> Result<()> {
        self.own(conn)?.usable("check", Access::Read)
    }

    async fn now(&self, conn: &mut MemoryConn) -> Result<Timestamp> {
        self.own(conn)?.usable("now", Access::Read)?;
        Ok(self.shared.now())
    }

    async fn load(&self, conn: &mut MemoryConn, query: &Load) -> Result<Vec<Resource>> {
        let conn = self.own(conn)?;
        conn.usable("load", query.access)?;
        match query.access {
            Access::Read => conn.read("load", |view| rows(view, query)),
            Access::Write if conn.is_in_transaction() => self.write(conn, |db, work| lock_rows(db, work, query)).await,
            Access::Write => Err(invalid("load", "expected a transaction to lock rows in, found none")),
        }
    }

    async fn commit(&self, conn: &mut MemoryConn, changes: &Changeset) -> Result<Receipt> {
        let conn = self.own(conn)?;
        conn.usable("commit", Access::Write)?;
        changes.check("commit")?;
        self.write(conn, |db, work| apply(db, work, changes)).await
    }

    async fn claim(&self, conn: &mut MemoryConn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        let conn = self.own(conn)?;
        conn.usable("claim", Access::Write)?;
        if conn.is_in_transaction() {
            return Err(invalid("claim", "expected a connection that is not in a transaction, found one that is"));
        }
        finished.check("claim")?;
        request.check("claim")?;
        self.write(conn, |db, work| match apply(db, work, finished) {
            Step::Done(receipt) => Step::Done(Claimed { receipt, resources: claim(db, work, request) }),
            Step::Blocked(holders) => Step::Blocked(holders),
        })
        .await
    }

    async fn lanes(&self, conn: &mut MemoryConn, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.own(conn)?.read("lanes", |view| scan::lanes(view, query))
    }

    async fn due(&self, conn: &mut MemoryConn, query: &DueQuery) -> Result<Vec<Resource>> {
        self.own(conn)?.read("due", |view| scan::due(view, query))
    }

    async fn events(&self, conn: &mut MemoryConn, query: &EventQuery) -> Result<EventPage> {
        let (log, filter) = (LogName::own(), &query.filter);
        self.own(conn)?.read("events", |view| {
            trim::check_age(view, &log, query.after)?;
            let events = view.log();
            let reading = Reading { after: query.after, limit: query.limit, trimmed: view.trimmed(&log) };
            Ok(events.read(reading, events.head(), |event| filter.matches(event)))
        })?
    }

    async fn cursors(&self, conn: &mut MemoryConn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.own(conn)?.read("cursors", |view| scan::cursors(view, query))
    }

    async fn scopes(&self, conn: &mut MemoryConn) -> Result<Vec<ScopeRecord>> {
        self.own(conn)?.read("scopes", |view| view.scopes().cloned().collect())
    }
}
