//! What a `FaultStore` does to the calls that its plan hits, and that it leaves all others alone.

use std::time::Duration;

use delta_core::{Access, Changeset, Cursor, CursorQuery, ErrorKind, Lane, Name, Store, Timestamp, WakeUpSignal};
use delta_store_memory::MemoryStore;
use delta_testkit::contract::{Fixture, MemoryFixture};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};
use futures::{FutureExt, StreamExt};

fn faulty() -> (FaultStore<MemoryStore>, FaultPlan) {
    let plan = FaultPlan::new();
    (FaultStore::new(MemoryFixture::new().store().clone(), plan.clone()), plan)
}

fn changes(name: &str) -> Changeset {
    Changeset { cursors: vec![Cursor::new(name).put()], ..Changeset::new(Timestamp::EPOCH) }
}

async fn commit(store: &FaultStore<MemoryStore>, name: &str) -> Result<(), ErrorKind> {
    let mut conn = store.inner().acquire(Access::Write).await.expect("the memory store");
    store.commit(&mut conn, &changes(name)).await.map(drop).map_err(|error| error.kind())
}

async fn stored(store: &FaultStore<MemoryStore>) -> Vec<String> {
    let mut conn = store.inner().acquire(Access::Read).await.expect("the memory store");
    let all = CursorQuery::Prefix(String::new());
    store.inner().cursors(&mut conn, &all).await.expect("cursors").into_iter().map(|cursor| cursor.name).collect()
}

#[tokio::test]
async fn a_call_that_fails_does_nothing() {
    let (store, plan) = faulty();
    plan.inject(Operation::Commit, Calls::Nth(2), Fault::Fail(ErrorKind::Conflict));
    assert_eq!(commit(&store, "a").await, Ok(()));
    assert_eq!(commit(&store, "b").await, Err(ErrorKind::Conflict));
    assert_eq!(commit(&store, "c").await, Ok(()));
    assert_eq!(stored(&store).await, ["a", "c"]);
    assert_eq!((plan.calls(Operation::Commit), plan.hits()), (3, 1));
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_done() {
    let (store, plan) = faulty();
    plan.inject(Operation::Commit, Calls::Every(2), Fault::LoseAnswer);
    for (name, expected) in
        [("a", Ok(())), ("b", Err(ErrorKind::Unavailable)), ("c", Ok(())), ("d", Err(ErrorKind::Unavailable))]
    {
        assert_eq!(commit(&store, name).await, expected, "{name}");
    }
    assert_eq!(stored(&store).await, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_done_as_far_as_it_was_polled() {
    let (store, plan) = faulty();
    plan.inject(Operation::Commit, Calls::Nth(1), Fault::Drop { polls: 0 });
    plan.inject(Operation::Commit, Calls::Nth(2), Fault::Drop { polls: 1 });
    assert_eq!(commit(&store, "never begun").await, Err(ErrorKind::Unavailable));
    assert_eq!(commit(&store, "polled once").await, Err(ErrorKind::Unavailable));
    assert_eq!(stored(&store).await, ["polled once"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_delayed_is_done_later() {
    let (store, plan) = faulty();
    plan.inject(Operation::Commit, Calls::Nth(1), Fault::Delay(Duration::from_mins(1)));
    #[expect(clippy::disallowed_methods, reason = "tokio's paused clock")]
    let start = tokio::time::Instant::now();
    let mut late = Box::pin(commit(&store, "late"));
    assert!(late.as_mut().now_or_never().is_none());
    assert_eq!(stored(&store).await, [""; 0]);
    assert_eq!(late.await, Ok(()));
    assert_eq!(start.elapsed(), Duration::from_mins(1));
    assert_eq!(stored(&store).await, ["late"]);
}

#[tokio::test]
async fn faults_count_from_when_they_are_planned_and_end_when_they_are_cleared() {
    let (store, plan) = faulty();
    assert_eq!(commit(&store, "a").await, Ok(()));
    plan.inject(Operation::Commit, Calls::From(2), Fault::Fail(ErrorKind::Closed));
    assert_eq!(commit(&store, "b").await, Ok(()));
    assert_eq!(commit(&store, "c").await, Err(ErrorKind::Closed));
    assert_eq!(commit(&store, "d").await, Err(ErrorKind::Closed));
    plan.clear();
    assert_eq!(commit(&store, "e").await, Ok(()));
    assert_eq!(stored(&store).await, ["a", "b", "e"]);
}

#[tokio::test]
async fn each_operation_is_hit_by_its_own_faults() {
    use delta_core::{
        Browse, ClaimRequest, Depth, Due, DueQuery, EventFilter, EventQuery, Filter, LaneQuery, LeaseToken, ListQuery,
        Load, LoadBy, Names, Owner, Position, ResourceId,
    };
    // A store in memory has nothing to migrate.
    let operations = || Operation::ALL.into_iter().filter(|operation| *operation != Operation::Migrate);
    for hit in operations() {
        let (store, plan) = faulty();
        plan.inject(hit, Calls::Every(1), Fault::Fail(ErrorKind::Corrupt));
        let mut conn = store.inner().acquire(Access::Write).await.expect("the memory store");
        let now = Timestamp::EPOCH;
        let (namespaces, kinds) = (Names::All, Names::All);
        let claim = ClaimRequest { now, owner: Owner::new(1), base: LeaseToken::new(1), until: now, lanes: vec![] };
        let load = Load { by: LoadBy::Ids(vec![]), depth: Depth::Head, access: Access::Read };
        let lanes = LaneQuery { now, namespaces: namespaces.clone(), kinds: kinds.clone() };
        let due = DueQuery { due: Due::Rescue { now }, namespaces, kinds, limit: 1 };
        let events = EventQuery { after: Position::START, limit: 1, filter: EventFilter::default() };
        let list = ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 1, depth: Depth::Head };
        let all = CursorQuery::Prefix(String::new());
        store.wake(&[]).await;
        let failed = [
            (Operation::Wake, plan.hits() == 1),
            (Operation::Acquire, store.acquire(Access::Read).await.is_err()),
            (Operation::Check, store.check(&mut conn).await.is_err()),
            (Operation::Now, store.now(&mut conn).await.is_err()),
            (Operation::Load, store.load(&mut conn, &load).await.is_err()),
            (Operation::Commit, store.commit(&mut conn, &changes("a")).await.is_err()),
            (Operation::Claim, store.claim(&mut conn, &changes("b"), &claim).await.is_err()),
            (Operation::Lanes, store.lanes(&mut conn, &lanes).await.is_err()),
            (Operation::Due, store.due(&mut conn, &due).await.is_err()),
            (Operation::Events, store.events(&mut conn, &events).await.is_err()),
            (Operation::Cursors, store.cursors(&mut conn, &all).await.is_err()),
            (Operation::Scopes, store.scopes(&mut conn).await.is_err()),
            (Operation::List, store.list(&mut conn, &list).await.is_err()),
            (Operation::Count, store.count(&mut conn, &Filter::default()).await.is_err()),
            (Operation::LogHolders, store.log_holders(&mut conn).await.is_err()),
        ];
        let failed = failed.into_iter().chain(of_logs(&store).await);
        let failed: Vec<Operation> = failed.filter(|(_, failed)| *failed).map(|(op, _)| op).collect();
        assert_eq!(failed, [hit]);
        assert!(operations().all(|operation| plan.calls(operation) == 1), "{plan:?}");
    }
}

/// Calls each operation of logs once; whether it failed.
async fn of_logs(store: &FaultStore<MemoryStore>) -> Vec<(Operation, bool)> {
    use delta_core::{
        CursorTable, DeadLetter, DeadLetterQuery, DeadLetterStatus, EventTable, EventTables, Gap, LogName, LogStore,
        Position, TableFilter, TableQuery,
    };
    let (now, start) = (Timestamp::EPOCH, Position::START);
    let (events, cursors, errors) = (EventTable::new("events"), CursorTable::new("cursors"), store.dead_letter_table());
    let mut conn = store.inner().acquire(Access::Write).await.expect("the memory store");
    store.inner().create_event_table(&mut conn, &events).await.expect("a table");
    store.inner().create_cursor_table(&mut conn, &cursors).await.expect("a table");
    let (mut ending, mut other, mut beginning) = (
        store.inner().begin().await.expect("a transaction"),
        store.inner().begin().await.expect("a transaction"),
        store.inner().acquire(Access::Write).await.expect("the memory store"),
    );
    let letter = DeadLetter {
        id: 0,
        consumer: "mailer".to_owned(),
        log: Some(LogName::own()),
        position: Position::new(1),
        message: String::new(),
        attempts: None,
        status: DeadLetterStatus::Dead,
        event: None,
        created_at: now,
        updated_at: now,
    };
    let (letters, dead) = (DeadLetterQuery::default(), DeadLetterStatus::Dead);
    let query = TableQuery { after: start, limit: 1, filter: TableFilter::default() };
    let gap = Gap { after: start, before: start };
    let conn = &mut conn;
    vec![
        (Operation::BeginTx, store.begin_tx(&mut beginning).await.is_err()),
        (Operation::CommitTx, store.commit_tx(&mut ending).await.is_err()),
        (Operation::RollbackTx, store.rollback_tx(&mut other).await.is_err()),
        (Operation::Trimmed, store.trimmed(conn).await.is_err()),
        (Operation::Trim, store.trim(conn, start, 1).await.is_err()),
        (Operation::PutDeadLetter, store.put_dead_letter(conn, &errors, &letter).await.is_err()),
        (Operation::DeadLetters, store.dead_letters(conn, &errors, &letters).await.is_err()),
        (Operation::MarkDeadLetters, store.mark_dead_letters(conn, &errors, &[], &[], dead, now).await.is_err()),
        (Operation::CreateTable, store.create_error_table(conn, &errors).await.is_err()),
        (Operation::InspectTable, store.inspect_event_table(conn, &events).await.is_err()),
        (Operation::AppendEvents, store.append_events(conn, &events, &[]).await.is_err()),
        (Operation::TableEvents, store.table_events(conn, &events, &query).await.is_err()),
        (Operation::TableHolders, store.table_holders(conn, &events).await.is_err()),
        (Operation::FillGap, store.fill_gap(conn, &events, gap, now).await.is_err()),
        (Operation::TableTrimmed, store.table_trimmed(conn, &events).await.is_err()),
        (Operation::TrimTable, store.trim_table(conn, &events, start, 1).await.is_err()),
        (Operation::TableCursor, store.table_cursor(conn, &cursors, "a").await.is_err()),
        (Operation::MoveTableCursor, store.move_table_cursor(conn, &cursors, "a", start, now).await.is_err()),
    ]
}

#[tokio::test]
async fn a_wake_up_that_fails_is_lost_without_a_word() {
    let (store, plan) = faulty();
    let lane = |kind: &str| Lane { namespace: Name::default_namespace(), kind: Name::new(kind).unwrap() };
    let mut wakeups = store.wakeups().unwrap();
    plan.inject(Operation::Wake, Calls::Nth(1), Fault::Fail(ErrorKind::Unavailable));
    store.wake(&[lane("lost").into()]).await;
    store.wake(&[lane("heard").into()]).await;
    assert_eq!(wakeups.next().await, Some(WakeUpSignal::Lane(lane("heard"))));
}

struct Wrapped(MemoryFixture, FaultStore<MemoryStore>);

impl Fixture for Wrapped {
    type Store = FaultStore<MemoryStore>;
    type Tx = delta_store_memory::MemoryTransaction;

    fn store(&self) -> &Self::Store {
        &self.1
    }

    async fn begin(&self) -> delta_core::Result<Self::Tx> {
        self.0.begin().await
    }

    async fn end(&self, tx: Self::Tx, keep: delta_testkit::contract::Keep) -> delta_core::Result<()> {
        self.0.end(tx, keep).await
    }

    async fn set_state(&self, id: delta_core::ResourceId, state: &str) -> delta_core::Result<()> {
        self.0.set_state(id, state).await
    }
}

mod without_faults {
    //! A wrapper that no fault hits is the store that it wraps: it passes the contract.

    use super::{FaultPlan, FaultStore, Fixture, MemoryFixture, Wrapped};

    async fn wrapped() -> Wrapped {
        let memory = MemoryFixture::new();
        let store = FaultStore::new(memory.store().clone(), FaultPlan::new());
        Wrapped(memory, store)
    }

    delta_testkit::store_contract!(wrapped);

    delta_testkit::log_contract!(wrapped);

    delta_testkit::table_contract!(wrapped);
}
