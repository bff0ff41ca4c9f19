//! S7 on a real server: savepoints, rollbacks and plain SQL beside Delta's own commits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use delta_core::{
    Access, Browse, Changeset, ErrorKind, Event, EventFilter, EventQuery, Name, Position, Scope, ScopeChange,
    ScopeWrite, Store, Subject,
};
use delta_store_sqlx::sqlx::{Connection, MySqlConnection, query, query_scalar, raw_sql};
use tokio::task::JoinSet;

use super::rows::{NOW, inserts, row};
use crate::mysql_support::Server;

const WRITERS: usize = 6;
const ROUNDS: usize = 60;
const HANG: Duration = Duration::from_mins(2);

/// Numbers without a pattern, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

async fn append(server: &Server, conn: &mut MySqlConnection, object_id: &str, numbers: &mut Numbers) {
    if numbers.below(4) == 0 {
        // One of another sort: about a kind, paused and resumed by turns.
        let scope = Scope::Kind(Name::new("other").expect("a name"));
        let writes = [ScopeWrite::Pause, ScopeWrite::Resume];
        for write in writes {
            let scopes = vec![ScopeChange { scope: scope.clone(), write }];
            let changes = Changeset { scopes, ..Changeset::new(NOW) };
            server.store.commit(conn, &changes).await.expect("a commit");
        }
    } else {
        let rows = (0..=numbers.below(3)).map(|part| row(&format!("{object_id}-{part}")));
        server.store.commit(conn, &inserts(rows)).await.expect("a commit");
    }
}

async fn pause(numbers: &mut Numbers) {
    for _ in 0..numbers.below(20) {
        tokio::task::yield_now().await;
    }
}

/// One transaction: appends, some of them in a savepoint that is kept or not, and an end that keeps them or not.
async fn transaction(server: &Server, name: &str, numbers: &mut Numbers) {
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let mut tx = conn.begin().await.expect("a transaction");
    for part in 0..=numbers.below(2) {
        if numbers.below(3) == 0 {
            let mut savepoint = tx.begin().await.expect("a savepoint");
            append(server, &mut savepoint, &format!("{name}-s{part}"), numbers).await;
            pause(numbers).await;
            if numbers.below(2) == 0 {
                savepoint.rollback().await.expect("a rollback to the savepoint");
            } else {
                savepoint.commit().await.expect("a release of the savepoint");
            }
        }
        if numbers.below(4) > 0 {
            append(server, &mut tx, &format!("{name}-{part}"), numbers).await;
        }
        pause(numbers).await;
    }
    if numbers.below(5) == 0 {
        tx.rollback().await.expect("a rollback");
    } else {
        tx.commit().await.expect("a commit");
    }
}

/// Follows the log until all writers are done.
async fn follow(server: Arc<Server>, writing: Arc<AtomicUsize>, limit: u32) -> Vec<Position> {
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let (mut read, mut after) = (Vec::new(), Position::START);
    loop {
        let done = writing.load(Ordering::SeqCst) == 0;
        let query = EventQuery { after, limit, filter: EventFilter::default() };
        let page = server.store.events(&mut conn, &query).await.expect("a page");
        assert!(page.next >= after && page.events.iter().all(|event| event.position <= page.head));
        read.extend(page.events.iter().map(|event| event.position));
        if done && page.next >= page.head && page.held_back == 0 {
            return read;
        }
        after = page.next;
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_busy_log_get_every_event_once_and_in_one_order() {
    let server = Arc::new(Server::fixture().await);
    super::rows::insert(&server.store, "first").await.expect("a commit");
    let writing = Arc::new(AtomicUsize::new(WRITERS));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (server, writing) = (server.clone(), writing.clone());
        writers.spawn(async move {
            let mut numbers = Numbers(writer as u64 + 1);
            for round in 0..ROUNDS {
                transaction(&server, &format!("{writer}-{round}"), &mut numbers).await;
            }
            writing.fetch_sub(1, Ordering::SeqCst);
        });
    }
    let mut readers = JoinSet::new();
    for limit in [3, 50, 1_000] {
        readers.spawn(follow(server.clone(), writing.clone(), limit));
    }
    tokio::time::timeout(HANG, writers.join_all()).await.expect("writers that end");
    let read = tokio::time::timeout(HANG, readers.join_all()).await.expect("readers that end");
    let committed: Vec<i64> = query_scalar("SELECT position FROM delta_event ORDER BY position")
        .fetch_all(server.store.pool())
        .await
        .expect("all positions");
    let committed: Vec<Position> = committed.into_iter().map(Position::new).collect();
    assert!(committed.len() > WRITERS * ROUNDS, "{}", committed.len());
    for positions in read {
        assert_eq!(positions.iter().collect::<BTreeSet<_>>().len(), positions.len(), "no event is read twice");
        assert_eq!(positions, committed);
    }
}

fn about(event: &Event) -> String {
    match &event.subject {
        Subject::Resource { key, .. } => key.object_id.to_string(),
        Subject::Scope(scope) => scope.to_string(),
    }
}

#[tokio::test]
async fn a_savepoint_that_is_rolled_back_does_not_take_the_later_appends_hold_with_it() {
    let server = Server::fixture().await;
    let mut tx = server.store.begin().await.expect("a transaction");
    let mut savepoint = tx.begin().await.expect("a savepoint");
    server.store.commit(&mut savepoint, &inserts([row("never")])).await.expect("a commit");
    savepoint.rollback().await.expect("a rollback to the savepoint");
    server.store.commit(&mut tx, &inserts([row("slow")])).await.expect("a commit");
    super::rows::insert(&server.store, "quick").await.expect("a commit beside it");
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let all = EventQuery { after: Position::START, limit: 10, filter: EventFilter::default() };
    let page = server.store.events(&mut conn, &all).await.expect("a page");
    assert_eq!(page.events, [], "what is quick waits for what is slow");
    assert!(page.held_back >= 2, "{page:?}");
    tx.commit().await.expect("the end of the slow one");
    let page = server.store.events(&mut conn, &all).await.expect("a page");
    assert_eq!(page.events.iter().map(about).collect::<Vec<_>>(), ["slow", "quick"]);
    assert_eq!(page.held_back, 0);
}

#[tokio::test]
async fn an_unrelated_transaction_holds_nobody_back() {
    let server = Server::fixture().await;
    server.run("CREATE TABLE mine (id integer)").await;
    let mut tx = server.store.begin().await.expect("a transaction");
    query("INSERT INTO mine VALUES (1)").execute(&mut *tx).await.expect("a row of its own");
    super::rows::insert(&server.store, "a").await.expect("a commit beside it");
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let all = EventQuery { after: Position::START, limit: 10, filter: EventFilter::default() };
    assert_eq!(server.store.events(&mut conn, &all).await.expect("a page").events.len(), 1);
}

#[tokio::test]
async fn who_holds_the_log_is_named_with_the_age_and_the_statement_of_its_session_and_nobody_waits_for_that() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    assert_eq!(server.store.log_holders(&mut conn).await.expect("holders"), []);
    server.run("CREATE TABLE mine (id integer)").await;
    let mut unrelated = server.store.begin().await.expect("a transaction");
    query("INSERT INTO mine VALUES (1)").execute(&mut *unrelated).await.expect("a row of its own");
    let mut tx = server.store.begin().await.expect("a transaction");
    let number: i64 =
        query_scalar("SELECT CAST(CONNECTION_ID() AS SIGNED)").fetch_one(&mut *tx).await.expect("a number");
    server.store.commit(&mut tx, &inserts([row("slow")])).await.expect("a commit");
    super::rows::insert(&server.store, "quick").await.expect("a commit beside it");
    let all = EventQuery { after: Position::START, limit: 10, filter: EventFilter::default() };
    assert_eq!(server.store.events(&mut conn, &all).await.expect("a page").events, []);
    let holders = server.store.log_holders(&mut conn).await.expect("holders");
    assert_eq!(holders.iter().map(|holder| &holder.session).collect::<Vec<_>>(), [&number.to_string()], "{holders:?}");
    assert!(holders[0].age > Duration::ZERO && holders[0].age < HANG, "{holders:?}");
    let mut busy = JoinSet::new();
    busy.spawn(async move {
        query("SELECT SLEEP(2)").execute(&mut *tx).await.expect("a sleep");
        tx
    });
    for other in 0.. {
        let other = format!("beside it {other}");
        let (holders, appended) = futures::join!(
            async { server.store.log_holders(&mut conn).await.expect("holders") },
            super::rows::insert(&server.store, &other),
        );
        appended.expect("a commit beside the look");
        if holders[0].statement == "SELECT SLEEP(2)" {
            assert_eq!((holders.len(), &holders[0].session), (1, &number.to_string()), "{holders:?}");
            break;
        }
        assert!(busy.try_join_next().is_none(), "{holders:?}");
    }
    busy.join_next().await.expect("a task").expect("its end").rollback().await.expect("a rollback");
    assert_eq!(server.store.log_holders(&mut conn).await.expect("holders"), []);
}

#[tokio::test]
async fn the_log_is_not_read_in_a_snapshot_that_stays() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    raw_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *conn).await.expect("a setting");
    let mut tx = conn.begin().await.expect("a transaction");
    let all = EventQuery { after: Position::START, limit: 10, filter: EventFilter::default() };
    let error = server.store.events(&mut tx, &all).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    drop(tx);
    server.store.discard(conn);
}

#[tokio::test]
async fn a_callers_transaction_reads_the_log_as_far_as_is_known() {
    let server = Server::fixture().await;
    super::rows::insert(&server.store, "a").await.expect("a commit");
    let all = EventQuery { after: Position::START, limit: 10, filter: EventFilter::default() };
    let mut tx = server.store.begin().await.expect("a transaction");
    server.store.commit(&mut tx, &inserts([row("own")])).await.expect("a commit");
    let page = server.store.events(&mut tx, &all).await.expect("a page");
    assert_eq!(page.events.iter().map(about).collect::<Vec<_>>(), ["a"], "its own are not committed");
    tx.commit().await.expect("its end");
}

#[tokio::test]
async fn marks_of_the_log_do_not_pile_up() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for second in 0..50 {
        let now = NOW + Duration::from_secs(second);
        let changes = Changeset { now, ..inserts([row(&format!("{second}"))]) };
        server.store.commit(&mut conn, &changes).await.expect("a commit");
    }
    let marks: i64 = query_scalar("SELECT COUNT(*) FROM delta_log_mark").fetch_one(&mut *conn).await.expect("a count");
    assert!(marks <= 2, "{marks}");
}
