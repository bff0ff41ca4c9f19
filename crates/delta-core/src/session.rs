use std::fmt::Debug;
use std::ops::DerefMut;

use futures::future::BoxFuture;

use crate::browse::{Browse, Filter, ListQuery, LogHolder, StateCount};
use crate::changeset::{Changeset, Receipt};
use crate::cursor::{Cursor, CursorQuery};
use crate::error::Result;
use crate::key::Lane;
use crate::log::EventPage;
use crate::query::{Access, ClaimRequest, Claimed, DueQuery, EventQuery, LaneQuery, Load, ScopeRecord};
use crate::resource::Resource;
use crate::store::Capabilities;
#[cfg(doc)]
use crate::store::Store;
use crate::timestamp::Timestamp;
use crate::wakeup::{WakeUpSignal, Wakeups};

/// A [`Store`] without its types: what the runtime works on, so that it compiles once for all stores.
///
/// Every store is one; there is nothing to implement. Names end in `_dyn` lest they clash with those of [`Store`].
pub trait DynStore: Debug + Send + Sync + 'static {
    /// See [`Store::capabilities`].
    fn capabilities_dyn(&self) -> Capabilities;
    /// See [`Store::wakeups`].
    fn wakeups_dyn(&self) -> Option<Wakeups>;
    /// See [`Store::wake`].
    fn wake_dyn<'a>(&'a self, signals: &'a [WakeUpSignal]) -> BoxFuture<'a, ()>;
    /// See [`Store::acquire`].
    fn acquire_dyn(&self, access: Access) -> BoxFuture<'_, Result<Box<dyn Session>>>;
}

/// An acquired connection with its store: the methods of [`Store`] that work on one.
pub trait Session: Send {
    /// See [`Store::discard`].
    fn discard_dyn(self: Box<Self>);
    /// See [`Store::check`].
    fn check_dyn(&mut self) -> BoxFuture<'_, Result<()>>;
    /// See [`Store::now`].
    fn now_dyn(&mut self) -> BoxFuture<'_, Result<Timestamp>>;
    /// See [`Store::load`].
    fn load_dyn<'a>(&'a mut self, query: &'a Load) -> BoxFuture<'a, Result<Vec<Resource>>>;
    /// See [`Store::commit`].
    fn commit_dyn<'a>(&'a mut self, changes: &'a Changeset) -> BoxFuture<'a, Result<Receipt>>;
    /// See [`Store::claim`].
    fn claim_dyn<'a>(
        &'a mut self,
        finished: &'a Changeset,
        request: &'a ClaimRequest,
    ) -> BoxFuture<'a, Result<Claimed>>;
    /// See [`Store::lanes`].
    fn lanes_dyn<'a>(&'a mut self, query: &'a LaneQuery) -> BoxFuture<'a, Result<Vec<Lane>>>;
    /// See [`Store::due`].
    fn due_dyn<'a>(&'a mut self, query: &'a DueQuery) -> BoxFuture<'a, Result<Vec<Resource>>>;
    /// See [`Store::events`].
    fn events_dyn<'a>(&'a mut self, query: &'a EventQuery) -> BoxFuture<'a, Result<EventPage>>;
    /// See [`Store::cursors`].
    fn cursors_dyn<'a>(&'a mut self, query: &'a CursorQuery) -> BoxFuture<'a, Result<Vec<Cursor>>>;
    /// See [`Store::scopes`].
    fn scopes_dyn(&mut self) -> BoxFuture<'_, Result<Vec<ScopeRecord>>>;
    /// See [`Browse::list`].
    fn list_dyn<'a>(&'a mut self, query: &'a ListQuery) -> BoxFuture<'a, Result<Vec<Resource>>>;
    /// See [`Browse::count`].
    fn count_dyn<'a>(&'a mut self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<StateCount>>>;
    /// See [`Browse::log_holders`].
    fn log_holders_dyn(&mut self) -> BoxFuture<'_, Result<Vec<LogHolder>>>;
}

impl<S: Browse> DynStore for S {
    fn capabilities_dyn(&self) -> Capabilities {
        self.capabilities()
    }

    fn wakeups_dyn(&self) -> Option<Wakeups> {
        self.wakeups()
    }

    fn wake_dyn<'a>(&'a self, signals: &'a [WakeUpSignal]) -> BoxFuture<'a, ()> {
        Box::pin(self.wake(signals))
    }

    fn acquire_dyn(&self, access: Access) -> BoxFuture<'_, Result<Box<dyn Session>>> {
        Box::pin(async move {
            let guard = self.acquire(access).await?;
            Ok(Box::new(Held { store: self.clone(), guard, discard: S::discard }) as Box<dyn Session>)
        })
    }
}

/// A session on a connection of the caller's: nothing is returned to a pool when it goes, and discarding it does nothing.
pub fn borrow_session<'a, S: Browse>(store: &S, conn: &'a mut S::Conn) -> impl Session + 'a {
    Held { store: store.clone(), guard: conn, discard: |_, _| {} }
}

struct Held<S, G> {
    store: S,
    guard: G,
    discard: fn(&S, G),
}

impl<S: Browse, G: DerefMut<Target = S::Conn> + Send> Session for Held<S, G> {
    fn discard_dyn(self: Box<Self>) {
        (self.discard)(&self.store, self.guard);
    }

    fn check_dyn(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.store.check(&mut self.guard))
    }

    fn now_dyn(&mut self) -> BoxFuture<'_, Result<Timestamp>> {
        Box::pin(self.store.now(&mut self.guard))
    }

    fn load_dyn<'a>(&'a mut self, query: &'a Load) -> BoxFuture<'a, Result<Vec<Resource>>> {
        Box::pin(self.store.load(&mut self.guard, query))
    }

    fn commit_dyn<'a>(&'a mut self, changes: &'a Changeset) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.store.commit(&mut self.guard, changes))
    }

    fn claim_dyn<'a>(
        &'a mut self,
        finished: &'a Changeset,
        request: &'a ClaimRequest,
    ) -> BoxFuture<'a, Result<Claimed>> {
        Box::pin(self.store.claim(&mut self.guard, finished, request))
    }

    fn lanes_dyn<'a>(&'a mut self, query: &'a LaneQuery) -> BoxFuture<'a, Result<Vec<Lane>>> {
        Box::pin(self.store.lanes(&mut self.guard, query))
    }

    fn due_dyn<'a>(&'a mut self, query: &'a DueQuery) -> BoxFuture<'a, Result<Vec<Resource>>> {
        Box::pin(self.store.due(&mut self.guard, query))
    }

    fn events_dyn<'a>(&'a mut self, query: &'a EventQuery) -> BoxFuture<'a, Result<EventPage>> {
        Box::pin(self.store.events(&mut self.guard, query))
    }

    fn cursors_dyn<'a>(&'a mut self, query: &'a CursorQuery) -> BoxFuture<'a, Result<Vec<Cursor>>> {
        Box::pin(self.store.cursors(&mut self.guard, query))
    }

    fn scopes_dyn(&mut self) -> BoxFuture<'_, Result<Vec<ScopeRecord>>> {
        Box::pin(self.store.scopes(&mut self.guard))
    }

    fn list_dyn<'a>(&'a mut self, query: &'a ListQuery) -> BoxFuture<'a, Result<Vec<Resource>>> {
        Box::pin(self.store.list(&mut self.guard, query))
    }

    fn count_dyn<'a>(&'a mut self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<StateCount>>> {
        Box::pin(self.store.count(&mut self.guard, filter))
    }

    fn log_holders_dyn(&mut self) -> BoxFuture<'_, Result<Vec<LogHolder>>> {
        Box::pin(self.store.log_holders(&mut self.guard))
    }
}
