//! What the memory store does beyond the contract: its connections, its clock, its deadlocks and its wake-ups.

use std::time::Duration;

use delta_core::{
    Access, Browse, Changeset, ClaimRequest, Cursor, CursorQuery, ErrorKind, Lane, LeaseToken, Name, Owner, Scope,
    ScopeChange, ScopeWrite, Store, Timestamp, WakeUpSignal,
};
use delta_store_memory::MemoryStore;
use futures::{FutureExt, StreamExt};

fn put(name: &str) -> Changeset {
    Changeset { cursors: vec![Cursor::new(name).put()], ..Changeset::new(Timestamp::EPOCH) }
}

fn all() -> CursorQuery {
    CursorQuery::Prefix(String::new())
}

fn lane(kind: &str) -> Lane {
    Lane { namespace: Name::default_namespace(), kind: Name::new(kind).expect("a name") }
}

#[tokio::test]
async fn clones_share_one_database_and_others_do_not() {
    let store = MemoryStore::new();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.commit(&mut conn, &put("a")).await.unwrap();
    let clone = store.clone();
    let mut conn = clone.acquire(Access::Read).await.unwrap();
    assert_eq!(clone.cursors(&mut conn, &all()).await.unwrap().len(), 1);
    let other = MemoryStore::new();
    let mut others = other.acquire(Access::Read).await.unwrap();
    assert_eq!(other.cursors(&mut others, &all()).await.unwrap(), []);
    let error = other.cursors(&mut conn, &all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "a connection to another database");
}

#[tokio::test]
async fn a_connection_for_reading_refuses_to_write() {
    let store = MemoryStore::new();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let error = store.commit(&mut conn, &put("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let now = Timestamp::EPOCH;
    let claim = ClaimRequest { now, owner: Owner::new(1), base: LeaseToken::new(1), until: now, lanes: vec![] };
    let error = store.claim(&mut conn, &Changeset::new(now), &claim).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(store.cursors(&mut conn, &all()).await.unwrap(), []);
}

#[tokio::test]
async fn its_own_time_is_the_clock_that_it_was_given() {
    let store = MemoryStore::with_clock(|| Timestamp::from_micros(42));
    let mut conn = store.acquire(Access::Read).await.unwrap();
    assert_eq!(store.now(&mut conn).await.unwrap(), Timestamp::from_micros(42));
}

#[tokio::test]
async fn a_transaction_that_a_deadlock_ended_only_says_so() {
    let store = MemoryStore::new();
    let mut one = store.begin().await.unwrap();
    let mut two = store.begin().await.unwrap();
    store.commit(&mut one, &put("one")).await.unwrap();
    store.commit(&mut two, &put("two")).await.unwrap();
    let (needs_two, needs_one) = (put("two"), put("one"));
    let mut waiting = Box::pin(store.commit(&mut one, &needs_two));
    assert!(waiting.as_mut().now_or_never().is_none(), "it waits for the other");
    let error = store.commit(&mut two, &needs_one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "the one that closes the circle");
    assert_eq!(waiting.await.unwrap().lost_cursor, None, "the other goes on");
    let error = store.cursors(&mut two, &all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(two.commit().await.unwrap_err().kind(), ErrorKind::Conflict);
    one.commit().await.unwrap();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    assert_eq!(store.cursors(&mut conn, &all()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_wait_that_is_given_up_is_no_part_of_a_deadlock() {
    let store = MemoryStore::new();
    let mut one = store.begin().await.unwrap();
    let mut two = store.begin().await.unwrap();
    store.commit(&mut one, &put("one")).await.unwrap();
    store.commit(&mut two, &put("two")).await.unwrap();
    let (needs_two, needs_one) = (put("two"), put("one"));
    assert!(store.commit(&mut one, &needs_two).now_or_never().is_none());
    let mut waiting = Box::pin(store.commit(&mut two, &needs_one));
    assert!(waiting.as_mut().now_or_never().is_none(), "nobody waits for it any more");
    one.rollback().await;
    assert_eq!(waiting.await.unwrap().lost_cursor, None);
    two.commit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_transaction_and_not_with_a_timer() {
    let store = MemoryStore::new();
    let mut tx = store.begin().await.unwrap();
    store.commit(&mut tx, &put("a")).await.unwrap();
    let changes = put("a");
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let mut waiting = Box::pin(store.commit(&mut conn, &changes));
    assert!(tokio::time::timeout(Duration::from_hours(1), waiting.as_mut()).await.is_err());
    tx.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().lost_cursor.as_deref(), Some("a"));
}

#[tokio::test]
async fn whoever_holds_the_log_back_is_named_with_the_age_of_its_transaction() {
    let now = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
    let clock = now.clone();
    let store =
        MemoryStore::with_clock(move || Timestamp::from_micros(clock.load(std::sync::atomic::Ordering::Relaxed)));
    let mut idle = store.begin().await.unwrap();
    assert_eq!(store.cursors(&mut idle, &all()).await.unwrap(), []);
    let mut tx = store.begin().await.unwrap();
    let pause = ScopeChange { scope: Scope::Kind(Name::new("thing").unwrap()), write: ScopeWrite::Pause };
    let changes = Changeset { scopes: vec![pause], ..Changeset::new(Timestamp::EPOCH) };
    store.commit(&mut tx, &changes).await.unwrap();
    now.store(7_000_000, std::sync::atomic::Ordering::Relaxed);
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let holders = store.log_holders(&mut conn).await.unwrap();
    assert_eq!(holders.iter().map(|holder| holder.age).collect::<Vec<_>>(), [Duration::from_secs(7)]);
    drop(tx);
    assert_eq!(store.log_holders(&mut conn).await.unwrap(), []);
}

#[tokio::test]
async fn a_listener_that_falls_behind_is_told_to_look_everywhere() {
    let store = MemoryStore::new();
    let mut wakeups = store.wakeups().unwrap();
    for _ in 0..5_000 {
        store.wake(&[lane("early").into()]).await;
    }
    assert_eq!(wakeups.next().await, Some(WakeUpSignal::All));
    for _ in 0..5_000 {
        store.wake(&[lane("late").into()]).await;
    }
    assert_eq!(wakeups.next().await, Some(WakeUpSignal::All));
    assert_eq!(wakeups.next().await, Some(WakeUpSignal::Lane(lane("late"))));
}

#[tokio::test]
async fn wake_ups_do_not_end_with_the_store() {
    let store = MemoryStore::new();
    let mut wakeups = store.wakeups().unwrap();
    store.wake(&[lane("last").into()]).await;
    drop(store);
    assert_eq!(wakeups.next().await, Some(WakeUpSignal::Lane(lane("last"))));
    assert!(wakeups.next().now_or_never().is_none());
}
