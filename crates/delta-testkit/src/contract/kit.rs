use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use delta_core::{
    Access, Applied, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, Depth, Event, EventFilter, EventPage,
    EventQuery, Key, Lane, LeaseToken, Load, LoadBy, Outcome, Owner, Position, Receipt, Resource, ResourceId, Result,
    ScopeRecord, Store, Subject, Timestamp, Writers,
};

use super::fixture::{Fixture, Keep};
use super::rows::{self, changeset, insert};
use crate::record;

type Guard<F> = <<F as Fixture>::Store as Store>::Guard;

/// How long anything may take before it counts as hanging. Never what a case waits for.
pub(crate) const HANG: Duration = Duration::from_mins(1);

/// A fixture with shorthands: what a case of the suite is given.
pub struct Kit<F> {
    inner: Arc<Inner<F>>,
}

struct Inner<F> {
    fixture: F,
    claims: AtomicI64,
}

impl<F> Clone for Kit<F> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<F: Fixture> Kit<F> {
    /// Wraps a fixture with an empty database.
    #[must_use]
    pub fn new(fixture: F) -> Self {
        Self { inner: Arc::new(Inner { fixture, claims: AtomicI64::new(0) }) }
    }

    pub(crate) fn fixture(&self) -> &F {
        &self.inner.fixture
    }

    pub(crate) fn store(&self) -> &F::Store {
        self.inner.fixture.store()
    }

    /// Whether two transactions may be open at once, each writing. Where not, a case must not wait for a write while it
    /// keeps a transaction open.
    pub(crate) fn has_many_writers(&self) -> bool {
        self.store().capabilities().writers == Writers::Many
    }

    pub(crate) async fn writer(&self) -> Guard<F> {
        self.store().acquire(Access::Write).await.expect("a connection to write on")
    }

    pub(crate) async fn reader(&self) -> Guard<F> {
        self.store().acquire(Access::Read).await.expect("a connection to read on")
    }

    pub(crate) async fn begin(&self) -> F::Tx {
        self.fixture().begin().await.expect("a transaction")
    }

    pub(crate) async fn end(&self, tx: F::Tx, keep: Keep) {
        self.fixture().end(tx, keep).await.expect("the end of a transaction");
    }

    pub(crate) async fn try_commit(&self, changes: &Changeset) -> Result<Receipt> {
        let mut conn = self.writer().await;
        self.store().commit(&mut conn, changes).await
    }

    pub(crate) async fn commit(&self, changes: &Changeset) -> Receipt {
        self.try_commit(changes).await.expect("a commit")
    }

    pub(crate) async fn commit_in(&self, tx: &mut F::Tx, changes: &Changeset) -> Receipt {
        self.store().commit(tx, changes).await.expect("a commit in a transaction")
    }

    /// Commits one change and returns what became of it.
    pub(crate) async fn apply(&self, now: Timestamp, change: impl rows::IntoChange) -> Outcome {
        self.commit(&changeset(now, [change])).await.outcomes[0]
    }

    /// Commits one change in a transaction and returns what became of it.
    pub(crate) async fn apply_in(&self, tx: &mut F::Tx, now: Timestamp, change: impl rows::IntoChange) -> Outcome {
        self.commit_in(tx, &changeset(now, [change])).await.outcomes[0]
    }

    /// Inserts rows, and returns them as they are stored, in the same order.
    pub(crate) async fn insert_all(&self, rows: impl IntoIterator<Item = Resource>) -> Vec<Resource> {
        let changes = changeset(rows::T0, rows.into_iter().map(insert));
        let receipt = self.commit(&changes).await;
        let ids: Vec<ResourceId> = receipt.outcomes.iter().map(|outcome| applied(outcome).id).collect();
        let mut stored = self.load(LoadBy::Ids(ids.clone())).await;
        assert_eq!(stored.len(), ids.len(), "every inserted row is found by its id");
        stored.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
        stored
    }

    /// Inserts a row, and returns it as it is stored.
    pub(crate) async fn insert(&self, row: Resource) -> Resource {
        self.insert_all([row]).await.remove(0)
    }

    /// Loads rows whole.
    pub(crate) async fn load(&self, by: LoadBy) -> Vec<Resource> {
        let mut conn = self.reader().await;
        let query = Load { by, depth: Depth::Full, access: Access::Read };
        self.store().load(&mut conn, &query).await.expect("a load")
    }

    /// Loads rows whole, as a transaction sees them.
    pub(crate) async fn load_in(&self, tx: &mut F::Tx, by: LoadBy) -> Vec<Resource> {
        let query = Load { by, depth: Depth::Full, access: Access::Read };
        self.store().load(tx, &query).await.expect("a load in a transaction")
    }

    pub(crate) async fn find(&self, key: &Key) -> Option<Resource> {
        self.load(LoadBy::Keys(vec![key.clone()])).await.pop()
    }

    pub(crate) async fn get(&self, id: ResourceId) -> Option<Resource> {
        self.load(LoadBy::Ids(vec![id])).await.pop()
    }

    /// A row that must be there, whole.
    pub(crate) async fn row(&self, id: ResourceId) -> Resource {
        self.get(id).await.unwrap_or_else(|| panic!("expected the row {id}, found none"))
    }

    /// What a claim of up to so many of each lane asks; its leases last a minute.
    pub(crate) fn request(&self, now: Timestamp, lanes: impl IntoIterator<Item = (Lane, u32)>) -> ClaimRequest {
        let number = self.inner.claims.fetch_add(1, Ordering::Relaxed);
        ClaimRequest {
            now,
            owner: Owner::new(number.wrapping_mul(0x5851_F42D_4C95_7F2D)),
            base: LeaseToken::new((i64::MAX - 5).wrapping_add(number.wrapping_mul(1_000_000_007))),
            until: now + Duration::from_mins(1),
            lanes: lanes.into_iter().collect(),
        }
    }

    pub(crate) async fn try_claim(&self, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        let mut conn = self.writer().await;
        self.store().claim(&mut conn, finished, request).await
    }

    /// Claims up to so many of the lane that rows are in unless said otherwise.
    pub(crate) async fn claim(&self, now: Timestamp, limit: u32) -> Vec<Resource> {
        self.claim_lanes(now, [(rows::lane(), limit)]).await
    }

    pub(crate) async fn claim_lanes(
        &self,
        now: Timestamp,
        lanes: impl IntoIterator<Item = (Lane, u32)>,
    ) -> Vec<Resource> {
        let request = self.request(now, lanes);
        self.try_claim(&Changeset::new(now), &request).await.expect("a claim").resources
    }

    /// Inserts a row and claims it.
    pub(crate) async fn claimed(&self, row: Resource, now: Timestamp) -> Resource {
        let lane = row.key.lane();
        let id = self.insert(row).await.id;
        let mut claimed = self.claim_lanes(now, [(lane, 100)]).await;
        claimed.retain(|row| row.id == id);
        claimed.pop().expect("the inserted row is claimed")
    }

    pub(crate) async fn page(&self, after: Position, limit: u32, filter: EventFilter) -> EventPage {
        let mut conn = self.reader().await;
        self.store().events(&mut conn, &EventQuery { after, limit, filter }).await.expect("events")
    }

    /// The whole log, as far as it may be read now.
    pub(crate) async fn events(&self) -> Vec<Event> {
        self.events_that(EventFilter::default()).await
    }

    pub(crate) async fn events_that(&self, filter: EventFilter) -> Vec<Event> {
        let (mut after, mut events) = (Position::START, Vec::new());
        loop {
            let page = self.page(after, 1_000, filter.clone()).await;
            events.extend(page.events);
            if page.next >= page.head {
                return events;
            }
            assert!(page.next > after, "a page that is not the last moves on from {after}");
            after = page.next;
        }
    }

    /// The whole log about one row.
    pub(crate) async fn events_of(&self, id: ResourceId) -> Vec<Event> {
        let about = |event: &Event| matches!(&event.subject, Subject::Resource { id: found, .. } if *found == id);
        self.events().await.into_iter().filter(about).collect()
    }

    pub(crate) async fn cursors(&self, query: &CursorQuery) -> Vec<Cursor> {
        let mut conn = self.reader().await;
        self.store().cursors(&mut conn, query).await.expect("cursors")
    }

    pub(crate) async fn cursor(&self, name: &str) -> Option<Cursor> {
        self.cursors(&CursorQuery::Names(vec![name.to_owned()])).await.pop()
    }

    pub(crate) async fn scopes(&self) -> Vec<ScopeRecord> {
        let mut conn = self.reader().await;
        self.store().scopes(&mut conn).await.expect("scopes")
    }
}

/// Fails the case if this does not end, whatever else goes on.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(HANG, future).await;
    done.unwrap_or_else(|_| panic!("{what}: still waiting after {HANG:?}"))
}

/// Lets other tasks get to where they wait. A store that is right passes however short it is; it only gives one that is
/// wrong the time to show it.
pub(crate) async fn give_way() {
    #[expect(clippy::disallowed_methods, reason = "no condition can be waited for: the other task is to be blocked")]
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Waits a little between two looks at a condition that is to come true.
pub(crate) async fn before_another_look() {
    #[expect(clippy::disallowed_methods, reason = "between two looks at a condition, never what a case rests on")]
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// Says that a case leaves something out, and why.
pub(crate) fn skipped(why: &str) {
    let case = std::thread::current().name().unwrap_or("a case").to_owned();
    println!("{case}: skipped: {why}");
    record::case_skipped();
}

/// What was written, which must have been.
#[track_caller]
pub(crate) fn applied(outcome: &Outcome) -> Applied {
    *outcome.applied().unwrap_or_else(|| panic!("expected a change to be applied, found it {outcome:?}"))
}

/// The object ids of rows, in their order.
pub(crate) fn object_ids(rows: &[Resource]) -> Vec<&str> {
    rows.iter().map(|row| row.key.object_id.as_str()).collect()
}

/// The object ids of rows, in no order.
pub(crate) fn object_id_set(rows: &[Resource]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.key.object_id.as_str()).collect()
}
