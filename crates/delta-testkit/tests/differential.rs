//! The differential test itself: the memory store does what the memory store does, and a store that is wrong in one thing is
//! told apart.

use std::panic::AssertUnwindSafe;

use delta_core::{
    Access, Browse, Capabilities, Change, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, EventPage,
    EventQuery, Filter, Lane, LaneQuery, ListQuery, Load, LogHolder, Outcome, Receipt, Resource, ResourceId, Result,
    ScopeRecord, StateCount, Store, Timestamp, WakeUpSignal, Wakeups,
};
use delta_store_memory::{MemoryConn, MemoryGuard, MemoryStore, MemoryTransaction};
use delta_testkit::contract::{Fixture, Keep, MemoryFixture};
use delta_testkit::differential::{Step, check, planned_steps, raw_steps};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

delta_testkit::store_differential!(|| async { MemoryFixture::new() });

/// A memory store that gets one thing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    ForgetsThatALeaseMustBeOver,
    ForgetsTheSecondEvent,
    ForgetsErrors,
    TakesLostForStale,
    ForgetsWhenItWasAskedToRunAgain,
    ClaimsOneMore,
    ForgetsCursors,
    ForgetsTags,
}

#[derive(Clone, Debug)]
struct WrongStore(MemoryStore, Wrong);

impl WrongStore {
    fn changes(&self, changes: &Changeset) -> Changeset {
        let mut changes = changes.clone();
        if self.1 == Wrong::ForgetsCursors && !changes.changes.is_empty() {
            changes.cursors.clear();
        }
        for change in &mut changes.changes {
            match (self.1, change) {
                (Wrong::ForgetsThatALeaseMustBeOver, Change::Settle(settle)) => settle.over_at = None,
                (Wrong::ForgetsTheSecondEvent, Change::Settle(settle)) => settle.moved.events.truncate(1),
                (Wrong::ForgetsErrors, Change::Update(update)) => update.error = None,
                (Wrong::ForgetsWhenItWasAskedToRunAgain, Change::Settle(settle)) => {
                    if let delta_core::RunAt::AskedOr(at) = settle.moved.run_at {
                        settle.moved.run_at = delta_core::RunAt::At(at);
                    }
                }
                (Wrong::ForgetsTags, Change::Update(update)) => update.write_tags = false,
                _ => {}
            }
        }
        changes
    }

    fn receipt(&self, mut receipt: Receipt) -> Receipt {
        if self.1 == Wrong::TakesLostForStale {
            for outcome in receipt.outcomes.iter_mut().filter(|outcome| **outcome == Outcome::Lost) {
                *outcome = Outcome::Stale;
            }
        }
        receipt
    }
}

impl Store for WrongStore {
    type Conn = MemoryConn;
    type Guard = MemoryGuard;

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        self.0.wakeups()
    }

    async fn wake(&self, signals: &[WakeUpSignal]) {
        self.0.wake(signals).await;
    }

    async fn acquire(&self, access: Access) -> Result<MemoryGuard> {
        self.0.acquire(access).await
    }

    fn discard(&self, guard: MemoryGuard) {
        self.0.discard(guard);
    }

    async fn check(&self, conn: &mut MemoryConn) -> Result<()> {
        self.0.check(conn).await
    }

    async fn now(&self, conn: &mut MemoryConn) -> Result<Timestamp> {
        self.0.now(conn).await
    }

    async fn load(&self, conn: &mut MemoryConn, query: &Load) -> Result<Vec<Resource>> {
        self.0.load(conn, query).await
    }

    async fn commit(&self, conn: &mut MemoryConn, changes: &Changeset) -> Result<Receipt> {
        self.0.commit(conn, &self.changes(changes)).await.map(|receipt| self.receipt(receipt))
    }

    async fn claim(&self, conn: &mut MemoryConn, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        let mut request = request.clone();
        if self.1 == Wrong::ClaimsOneMore {
            request.lanes.iter_mut().for_each(|(_, limit)| *limit += 1);
        }
        self.0.claim(conn, &self.changes(finished), &request).await
    }

    async fn lanes(&self, conn: &mut MemoryConn, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.0.lanes(conn, query).await
    }

    async fn due(&self, conn: &mut MemoryConn, query: &DueQuery) -> Result<Vec<Resource>> {
        self.0.due(conn, query).await
    }

    async fn events(&self, conn: &mut MemoryConn, query: &EventQuery) -> Result<EventPage> {
        self.0.events(conn, query).await
    }

    async fn cursors(&self, conn: &mut MemoryConn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.0.cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut MemoryConn) -> Result<Vec<ScopeRecord>> {
        self.0.scopes(conn).await
    }
}

impl Browse for WrongStore {
    async fn list(&self, conn: &mut MemoryConn, query: &ListQuery) -> Result<Vec<Resource>> {
        self.0.list(conn, query).await
    }

    async fn count(&self, conn: &mut MemoryConn, filter: &Filter) -> Result<Vec<StateCount>> {
        self.0.count(conn, filter).await
    }

    async fn log_holders(&self, conn: &mut MemoryConn) -> Result<Vec<LogHolder>> {
        self.0.log_holders(conn).await
    }
}

struct WrongFixture(MemoryFixture, WrongStore);

impl Fixture for WrongFixture {
    type Store = WrongStore;
    type Tx = MemoryTransaction;

    fn store(&self) -> &WrongStore {
        &self.1
    }

    async fn begin(&self) -> Result<MemoryTransaction> {
        self.0.begin().await
    }

    async fn end(&self, tx: MemoryTransaction, keep: Keep) -> Result<()> {
        self.0.end(tx, keep).await
    }

    async fn set_state(&self, id: ResourceId, state: &str) -> Result<()> {
        self.0.set_state(id, state).await
    }
}

/// How many histories it takes to tell a wrong store from the right one.
fn told_apart_after(wrong: Wrong, histories: &impl Strategy<Value = Vec<Step>>) -> Option<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::deterministic();
    (1..=64).find(|_| {
        let steps = histories.new_tree(&mut runner).expect("a history").current();
        let memory = MemoryFixture::new();
        let store = WrongStore(memory.store().clone(), wrong);
        let compared = check(MemoryFixture::new(), WrongFixture(memory, store), &steps);
        std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(compared))).is_err()
    })
}

#[test]
fn a_store_that_is_wrong_in_one_thing_is_told_apart_by_changesets() {
    for wrong in [
        Wrong::ForgetsThatALeaseMustBeOver,
        Wrong::ForgetsTheSecondEvent,
        Wrong::ForgetsErrors,
        Wrong::TakesLostForStale,
        Wrong::ForgetsWhenItWasAskedToRunAgain,
        Wrong::ClaimsOneMore,
        Wrong::ForgetsCursors,
        Wrong::ForgetsTags,
    ] {
        let histories = told_apart_after(wrong, &raw_steps());
        println!("{wrong:?}: {histories:?}");
        assert!(histories.is_some(), "{wrong:?} was not noticed");
    }
}

#[test]
fn a_store_that_is_wrong_in_one_thing_is_told_apart_by_plans() {
    for wrong in [Wrong::ForgetsTheSecondEvent, Wrong::ForgetsErrors, Wrong::ClaimsOneMore, Wrong::ForgetsTags] {
        let histories = told_apart_after(wrong, &planned_steps());
        println!("{wrong:?}: {histories:?}");
        assert!(histories.is_some(), "{wrong:?} was not noticed");
    }
}
