//! A caller's transaction that a deadlock ends.

use delta_core::{Access, Depth, ErrorKind, Load, LoadBy, Store};
use delta_store_sqlx::sqlx::{AssertSqlSafe, query, query_scalar, raw_sql};

use tokio::task::JoinSet;

use super::rows::{insert, inserts, load, row};
use crate::mysql_support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_after_a_deadlock_until_the_caller_rolls_back() {
    let server = Server::fixture().await;
    server.run("CREATE TABLE mine (id INT PRIMARY KEY, n INT) ENGINE = InnoDB").await;
    for object_id in ["a", "b"] {
        insert(&server.store, object_id).await.expect("a commit");
    }
    let mut one = server.store.begin().await.expect("a transaction");
    let mut other = server.store.begin().await.expect("a transaction");
    // More written makes the other one the cheaper victim.
    for id in 0..50 {
        query("INSERT INTO mine VALUES (?, 0)").bind(id).execute(&mut *one).await.expect("a row");
    }
    query("INSERT INTO mine VALUES (1000, 0)").execute(&mut *other).await.expect("a row");
    let touch = |object_id: &str| format!("UPDATE delta_resource SET updated_at = 1 WHERE object_id = '{object_id}'");
    raw_sql(AssertSqlSafe(touch("a"))).execute(&mut *one).await.expect("a lock");
    server.store.commit(&mut other, &inserts([row("c")])).await.expect("a commit");
    // One waits for the other, and the other for the one.
    let store = server.store.clone();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move {
        let done = store.commit(&mut one, &inserts([row("c")])).await;
        one.rollback().await.expect("a rollback");
        done
    });
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let waits = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
                 WHERE DB = DATABASE() AND INFO LIKE 'INSERT INTO `delta_resource`%'";
    while query_scalar::<_, i64>(waits).fetch_one(&mut *conn).await.expect("a count") == 0 {
        tokio::task::yield_now().await;
    }
    let locking = Load { by: LoadBy::Keys(vec![row("a").key]), depth: Depth::Head, access: Access::Write };
    let locked = server.store.load(&mut other, &locking).await;
    let waited = waiting.join_next().await.expect("a task").expect("its end");
    let victims = [locked.as_ref().err(), waited.as_ref().err()];
    assert_eq!(victims.iter().flatten().count(), 1, "one of them is the victim: {victims:?}");
    for error in victims.iter().flatten() {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    assert!(locked.is_err(), "the one that has written less is the victim: {victims:?}");
    // The caller goes on, though it was told not to.
    let goes_on = query("INSERT INTO mine VALUES (2000, 0)").execute(&mut *other).await;
    goes_on.expect_err("a write that would commit by itself");
    let error = server.store.commit(&mut other, &inserts([row("d")])).await.expect_err("a transaction that is over");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    other.rollback().await.expect("a rollback");
    assert_eq!(load(&server.store, &mut conn, "c").await.expect("a load"), []);
    assert_eq!(load(&server.store, &mut conn, "d").await.expect("a load"), []);
}
