use std::fmt::Debug;
use std::future::Future;
use std::ops::DerefMut;

use crate::changeset::{Changeset, Receipt};
use crate::cursor::{Cursor, CursorQuery};
use crate::error::Result;
use crate::key::Lane;
use crate::log::EventPage;
use crate::query::{Access, ClaimRequest, Claimed, DueQuery, EventQuery, LaneQuery, Load, ScopeRecord};
use crate::resource::Resource;
use crate::timestamp::Timestamp;
use crate::wakeup::{WakeUpSignal, Wakeups};

/// What a store cannot always do. Everything else of the contract is asked of every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// How a client hears that something became claimable.
    pub wakeups: WakeupReach,
    /// Who may use one database at once.
    pub processes: Processes,
    /// How many connections may write at once.
    pub writers: Writers,
}

/// How many connections of a store may write at once: whether a client may keep one for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writers {
    /// One at a time: whoever keeps it stops all others.
    One,
    /// As many as the pool has.
    Many,
}

/// How far a store's wake-ups reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WakeupReach {
    /// There are none: clients poll.
    None,
    /// The clients of this process.
    Process,
    /// All clients of the database.
    Database,
}

/// Who may use one database at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Processes {
    /// One process.
    One,
    /// Processes on one machine.
    Machine,
    /// Processes anywhere.
    Any,
}

#[doc = include_str!("docs/store.md")]
pub trait Store: Clone + Debug + Send + Sync + 'static {
    /// The driver's own connection, in a transaction or not.
    type Conn: Send;
    /// A pooled [`Conn`](Self::Conn), returned on drop.
    type Guard: DerefMut<Target = Self::Conn> + Send;

    /// What the store can do.
    fn capabilities(&self) -> Capabilities;

    /// Subscribes to wake-ups; `None` exactly if [`Capabilities::wakeups`] says so.
    ///
    /// - A lost server connection is found, made again by itself, and reported as
    ///   [`WakeUpSignal::All`](crate::WakeUpSignal::All).
    fn wakeups(&self) -> Option<Wakeups>;

    /// Tells all clients within reach that there is something to claim in a lane, or to read in a log. Best effort: errors
    /// are logged, and dropping the future may lose it.
    fn wake(&self, signals: &[WakeUpSignal]) -> impl Future<Output = ()> + Send;

    /// Takes a connection, not in a transaction.
    ///
    /// - Fails with `Unavailable` when none comes free within the store's time-out, and with `Closed` after a close.
    fn acquire(&self, access: Access) -> impl Future<Output = Result<Self::Guard>> + Send;

    /// Throws a connection away instead of returning it: called after an `Unavailable` on it.
    fn discard(&self, guard: Self::Guard);

    /// Checks that the database is one that this version can work with: S15.
    fn check(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<()>> + Send;

    /// The database's own time.
    fn now(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<Timestamp>> + Send;

    /// Loads resources by key or id, in the order of their ids: S5, S9, S11, S14.
    fn load(&self, conn: &mut Self::Conn, query: &Load) -> impl Future<Output = Result<Vec<Resource>>> + Send;

    /// Applies a changeset: S1, S3, S4, S9, S10, S13.
    ///
    /// - Joins the transaction that `conn` is in, and then never ends or repeats it; otherwise opens its own.
    /// - `Conflict` in a caller's transaction means that the transaction is over.
    fn commit(&self, conn: &mut Self::Conn, changes: &Changeset) -> impl Future<Output = Result<Receipt>> + Send;

    /// Applies a changeset of settlements and claims, together: S1 to S4, S6, S14.
    ///
    /// - Not called in a caller's transaction: that is `Invalid`.
    /// - With no lanes it only applies, with an empty changeset it only claims.
    /// - Resources are claimed as [`Changeset`] `finished` leaves them or as they were before, as the store likes.
    fn claim(
        &self,
        conn: &mut Self::Conn,
        finished: &Changeset,
        request: &ClaimRequest,
    ) -> impl Future<Output = Result<Claimed>> + Send;

    /// Names the lanes that have something to claim, in no order: claimable state, due, neither the resource nor its
    /// kind nor its namespace paused.
    fn lanes(&self, conn: &mut Self::Conn, query: &LaneQuery) -> impl Future<Output = Result<Vec<Lane>>> + Send;

    /// Finds resources that are due for maintenance, without locking them.
    fn due(&self, conn: &mut Self::Conn, query: &DueQuery) -> impl Future<Output = Result<Vec<Resource>>> + Send;

    /// Reads the log: S7.
    fn events(&self, conn: &mut Self::Conn, query: &EventQuery) -> impl Future<Output = Result<EventPage>> + Send;

    /// Reads cursors.
    fn cursors(&self, conn: &mut Self::Conn, query: &CursorQuery) -> impl Future<Output = Result<Vec<Cursor>>> + Send;

    /// Reads what is stored about all kinds and namespaces, kinds first, each by name.
    fn scopes(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<Vec<ScopeRecord>>> + Send;
}
