use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, Lane, LaneQuery, ListQuery, Load, LogHolder, LogStore as _, Receipt, Resource,
    Result, ScopeRecord, StateCount, Store, Timestamp, WakeUpSignal, Wakeups,
};
use delta_store_memory::{MemoryConn, MemoryGuard, MemoryStore};

use super::fault::{FaultId, kind, store_fault};
use super::mutation::{Fate, Mutation, Sight};
use super::observer::Look;
use super::words::{self, NOBODY};
use super::world::Sim;
use crate::fault::{Fault, Operation};
use crate::history::{Actor, What};

/// The database of a simulated world, as one of its processes reaches it: late, out of order, and at fault now and then.
#[derive(Clone)]
pub struct SimStore {
    sim: Sim,
    actor: Actor,
}

impl SimStore {
    pub(super) fn new(sim: Sim, actor: Actor) -> Self {
        Self { sim, actor }
    }

    /// The world.
    #[must_use]
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Who reaches it.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    fn memory(&self) -> &MemoryStore {
        self.sim.memory()
    }

    /// Makes a call at a moment of chance's choosing, or something that goes wrong instead; records what came of it.
    pub(super) async fn call<T>(
        &self,
        operation: Operation,
        asked: impl FnOnce() -> String,
        call: impl Future<Output = Result<T>> + Send,
        answered: impl FnOnce(&T) -> String,
    ) -> Result<T> {
        let (sim, name) = (&self.sim, operation.as_str());
        let number = sim.count(&self.actor, name);
        let mut draw = sim.chance().draw(self.actor.as_str(), name, number);
        let (before, after) = (pace(&mut draw), pace(&mut draw));
        let id = FaultId { actor: self.actor.clone(), what: name.to_owned(), number };
        let fault = store_fault(sim.rates(), operation, &mut draw).filter(|_| sim.hits(id));
        if let Some(fault) = fault {
            let what = format!("{name} {number}: {fault:?}");
            sim.record(&self.actor, What::Fault { kind: kind(operation, fault).to_owned(), what });
        }
        if !sim.operation() {
            // Nothing is gained by going on, and time must pass for the run to end.
            return std::future::pending().await;
        }
        let mut waiting = Waiting { store: self, operation, is_over: false };
        let longer = self.mutate(|mutation, sight| mutation.takes_longer(sight, operation)).unwrap_or(0);
        let call = async {
            before.wait().await;
            if longer > 0 {
                sleep(Duration::from_millis(longer)).await;
            }
            let answer = call.await;
            match operation {
                // What an open transaction had held back may be readable now.
                Operation::Events => sim.observe(&self.actor, Look::Log),
                _ if writes(operation) => sim.observe(&self.actor, Look::All),
                _ => {}
            }
            after.wait().await;
            answer
        };
        let answer = match fault {
            None => call.await,
            Some(Fault::Fail(kind)) => Err(Error::new(kind, name, "simulated")),
            Some(Fault::Delay(delay)) => {
                sleep(delay).await;
                call.await
            }
            Some(Fault::Drop { polls }) => {
                poll_and_drop(call, polls).await;
                Err(Error::new(ErrorKind::Unavailable, name, "simulated: the connection broke off"))
            }
            Some(Fault::LoseAnswer) => match call.await {
                Ok(_) => Err(Error::new(ErrorKind::Unavailable, name, "simulated: the answer was lost")),
                Err(error) => Err(error),
            },
            #[cfg(feature = "database")]
            Some(Fault::Kill(_)) => unreachable!("no seed gives a kill of this very process"),
        };
        waiting.is_over = true;
        let answered = answer.as_ref().map_or_else(ToString::to_string, answered);
        sim.record(&self.actor, What::Called { operation: name.to_owned(), asked: asked(), answered });
        answer
    }

    /// Lets a mutation, where there is one, have its way.
    pub(super) fn mutate<T>(&self, act: impl FnOnce(&dyn Mutation, &Sight<'_>) -> T) -> Option<T> {
        self.sim.mutation().map(|mutation| act(mutation, &Sight::new(&self.sim, &self.actor)))
    }

    fn mutated(&self, changes: &Changeset) -> Changeset {
        let mut changes = changes.clone();
        self.mutate(|mutation, sight| mutation.changeset(sight, &mut changes));
        changes
    }

    async fn commit_or_not(&self, conn: &mut MemoryConn, changes: &Changeset) -> Result<Receipt> {
        let memory = self.memory();
        let fate = self.mutate(|mutation, sight| mutation.fate(sight, changes));
        match fate.filter(|_| !conn.is_in_transaction()) {
            None | Some(Fate::Kept) => memory.commit(conn, changes).await,
            Some(Fate::Forgotten) => {
                memory.begin_tx(conn).await?;
                let receipt = memory.commit(conn, changes).await;
                memory.rollback_tx(conn).await?;
                receipt
            }
            Some(Fate::Repeated) => {
                memory.commit(conn, changes).await?;
                memory.commit(conn, changes).await
            }
        }
    }
}

/// A caller that waits for the answer of a call; if it goes away, that is recorded.
struct Waiting<'a> {
    store: &'a SimStore,
    operation: Operation,
    is_over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let operation = self.operation.as_str().to_owned();
            let what = What::Called { operation, asked: String::new(), answered: NOBODY.to_owned() };
            self.store.sim.record(&self.store.actor, what);
        }
    }
}

/// Whether such a call is to be followed by a look: what others see may be another, or somebody has seen what a call that waits
/// for a lock has already written.
fn writes(operation: Operation) -> bool {
    use Operation::{Claim, Commit, CommitTx, Events, Trim};
    matches!(operation, Claim | Commit | CommitTx | Events | Trim)
}

/// How long a call takes to get somewhere: turns of other tasks, or time.
enum Pace {
    Turns(u64),
    Time(Duration),
}

fn pace(draw: &mut super::chance::Draw) -> Pace {
    match draw.below(8) {
        0 => Pace::Time(Duration::from_millis(1 + draw.below(20))),
        turns => Pace::Turns(turns / 3),
    }
}

impl Pace {
    async fn wait(self) {
        match self {
            Self::Turns(turns) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
            Self::Time(time) => sleep(time).await,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulated time")]
pub(super) async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
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

#[expect(clippy::ptr_arg, reason = "what the callers have")]
fn rows<T>(rows: &Vec<T>) -> String {
    format!("{} rows", rows.len())
}

#[deny(clippy::missing_trait_methods)]
impl Store for SimStore {
    type Conn = MemoryConn;
    type Guard = MemoryGuard;

    fn capabilities(&self) -> Capabilities {
        self.memory().capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        self.memory().wakeups()
    }

    async fn wake(&self, signals: &[WakeUpSignal]) {
        let call = async {
            if self.mutate(|mutation, sight| mutation.wakes(sight)).unwrap_or(true) {
                self.memory().wake(signals).await;
            }
            Ok(())
        };
        // Best effort: losing it is what the contract allows.
        let _ = self.call(Operation::Wake, || format!("{signals:?}"), call, |()| "sent".to_owned()).await;
    }

    async fn acquire(&self, access: Access) -> Result<MemoryGuard> {
        let call = self.memory().acquire(access);
        self.call(Operation::Acquire, || format!("{access:?}"), call, |_| "a connection".to_owned()).await
    }

    fn discard(&self, guard: MemoryGuard) {
        self.memory().discard(guard);
    }

    async fn check(&self, conn: &mut MemoryConn) -> Result<()> {
        self.call(Operation::Check, String::new, self.memory().check(conn), |()| "ours".to_owned()).await
    }

    async fn now(&self, conn: &mut MemoryConn) -> Result<Timestamp> {
        self.call(Operation::Now, String::new, self.memory().now(conn), ToString::to_string).await
    }

    async fn load(&self, conn: &mut MemoryConn, query: &Load) -> Result<Vec<Resource>> {
        let call = async {
            let mut rows = self.memory().load(conn, query).await?;
            self.mutate(|mutation, sight| mutation.loaded(sight, &mut rows));
            Ok(rows)
        };
        self.call(Operation::Load, || format!("{:?} {:?}", query.access, query.by), call, rows).await
    }

    async fn commit(&self, conn: &mut MemoryConn, changes: &Changeset) -> Result<Receipt> {
        let call = async {
            let mutated = self.mutated(changes);
            let mut receipt = self.commit_or_not(conn, &mutated).await?;
            self.mutate(|mutation, sight| mutation.receipt(sight, changes, &mut receipt));
            Ok(receipt)
        };
        self.call(Operation::Commit, || words::asked(changes), call, words::became).await
    }

    async fn claim(&self, conn: &mut MemoryConn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        let call = async {
            let (mutated, mut request) = (self.mutated(finished), request.clone());
            self.mutate(|mutation, sight| mutation.request(sight, &mut request));
            let mut claimed = self.memory().claim(conn, &mutated, &request).await?;
            self.mutate(|mutation, sight| mutation.claimed(sight, &mut claimed));
            Ok(claimed)
        };
        let asked = || format!("{}; {} lanes", words::asked(finished), request.lanes.len());
        let answered = |claimed: &Claimed| format!("{}; {}", words::became(&claimed.receipt), rows(&claimed.resources));
        self.call(Operation::Claim, asked, call, answered).await
    }

    async fn lanes(&self, conn: &mut MemoryConn, query: &LaneQuery) -> Result<Vec<Lane>> {
        let call = async {
            let mut lanes = self.memory().lanes(conn, query).await?;
            self.mutate(|mutation, sight| mutation.lanes(sight, &mut lanes));
            Ok(lanes)
        };
        self.call(Operation::Lanes, String::new, call, rows).await
    }

    async fn due(&self, conn: &mut MemoryConn, query: &DueQuery) -> Result<Vec<Resource>> {
        let mut query = query.clone();
        self.mutate(|mutation, sight| mutation.asked_due(sight, &mut query));
        let call = async {
            let mut rows = self.memory().due(conn, &query).await?;
            self.mutate(|mutation, sight| mutation.due(sight, &query, &mut rows));
            Ok(rows)
        };
        self.call(Operation::Due, || format!("{:?}", query.due), call, rows).await
    }

    async fn events(&self, conn: &mut MemoryConn, query: &EventQuery) -> Result<EventPage> {
        let call = async {
            let mut page = self.memory().events(conn, query).await?;
            self.mutate(|mutation, sight| mutation.page(sight, query, &mut page));
            Ok(page)
        };
        self.call(Operation::Events, || format!("after {}", query.after), call, |page| rows(&page.events)).await
    }

    async fn cursors(&self, conn: &mut MemoryConn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        let call = async {
            let mut cursors = self.memory().cursors(conn, query).await?;
            self.mutate(|mutation, sight| mutation.cursors(sight, query, &mut cursors));
            Ok(cursors)
        };
        self.call(Operation::Cursors, || format!("{query:?}"), call, rows).await
    }

    async fn scopes(&self, conn: &mut MemoryConn) -> Result<Vec<ScopeRecord>> {
        self.call(Operation::Scopes, String::new, self.memory().scopes(conn), rows).await
    }
}

#[deny(clippy::missing_trait_methods)]
impl Browse for SimStore {
    async fn list(&self, conn: &mut MemoryConn, query: &ListQuery) -> Result<Vec<Resource>> {
        self.call(Operation::List, String::new, self.memory().list(conn, query), rows).await
    }

    async fn count(&self, conn: &mut MemoryConn, filter: &Filter) -> Result<Vec<StateCount>> {
        self.call(Operation::Count, String::new, self.memory().count(conn, filter), rows).await
    }

    async fn log_holders(&self, conn: &mut MemoryConn) -> Result<Vec<LogHolder>> {
        self.call(Operation::LogHolders, String::new, self.memory().log_holders(conn), rows).await
    }
}

impl fmt::Debug for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimStore").field("actor", &self.actor).finish_non_exhaustive()
    }
}
