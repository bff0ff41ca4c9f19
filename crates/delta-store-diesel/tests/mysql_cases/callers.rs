//! A caller's transaction that a deadlock ends.

use delta_core::{Access, ErrorKind, Store};
use delta_store_diesel::diesel_async::SimpleAsyncConnection;
use delta_testkit::contract::{Fixture, Keep};
use tokio::task::JoinSet;

use super::ask::text_of;
use super::rows::{insert, inserts, load, row};
use crate::mysql_support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_after_a_deadlock_until_the_caller_rolls_back() {
    let server = Server::fixture().await;
    server.run("CREATE TABLE mine (id INT PRIMARY KEY) ENGINE = InnoDB").await;
    insert(&server.store, "first").await.expect("a commit");
    let mut one = server.begin().await.expect("a transaction");
    let mut other = server.begin().await.expect("a transaction");
    // More written makes the other one the cheaper victim.
    for id in 0..50 {
        one.batch_execute(&format!("INSERT INTO mine VALUES ({id})")).await.expect("a row");
    }
    server.store.commit(&mut other, &inserts([row("c")])).await.expect("a commit");
    // One waits for the other, and the other for the one.
    let store = server.store.clone();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move {
        let done = store.commit(&mut one, &inserts([row("c")])).await;
        (one, done)
    });
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let waits = "SELECT CAST(COUNT(*) AS CHAR) AS value FROM information_schema.PROCESSLIST \
                 WHERE DB = DATABASE() AND INFO LIKE 'INSERT INTO `delta_resource`%'";
    while text_of(&mut conn, waits).await == "0" {
        tokio::task::yield_now().await;
    }
    let failed = other.batch_execute("INSERT INTO mine VALUES (0)").await;
    failed.expect_err("the other one is the victim");
    // The caller goes on, though its transaction is over: diesel has not noticed.
    let error = server.store.commit(&mut other, &inserts([row("d")])).await.expect_err("a transaction that is over");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    other.batch_execute("INSERT INTO mine VALUES (2000)").await.expect_err("a transaction that refuses to write");
    server.end(other, Keep::Rollback).await.expect("a rollback");
    let (one, done) = waiting.join_next().await.expect("a task").expect("its end");
    done.expect("a commit of the one that was not the victim");
    server.end(one, Keep::Rollback).await.expect("a rollback");
    for object_id in ["c", "d"] {
        assert_eq!(load(&server.store, &mut conn, object_id).await.expect("a load"), []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_of_a_commit_in_a_callers_transaction_is_a_conflict() {
    let server = Server::fixture().await;
    server.run("CREATE TABLE mine (id INT PRIMARY KEY) ENGINE = InnoDB").await;
    insert(&server.store, "first").await.expect("a commit");
    let mut one = server.begin().await.expect("a transaction");
    let mut other = server.begin().await.expect("a transaction");
    for id in 0..50 {
        one.batch_execute(&format!("INSERT INTO mine VALUES ({id})")).await.expect("a row");
    }
    server.store.commit(&mut one, &inserts([row("c")])).await.expect("a commit");
    other.batch_execute("INSERT INTO mine VALUES (1000)").await.expect("a row");
    let mut waiting = JoinSet::new();
    waiting.spawn(async move {
        let done = one.batch_execute("INSERT INTO mine VALUES (1000)").await;
        (one, done)
    });
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let waits = "SELECT CAST(COUNT(*) AS CHAR) AS value FROM information_schema.PROCESSLIST \
                 WHERE DB = DATABASE() AND INFO LIKE 'INSERT INTO mine%'";
    while text_of(&mut conn, waits).await == "0" {
        tokio::task::yield_now().await;
    }
    let error = server.store.commit(&mut other, &inserts([row("c")])).await.expect_err("the victim");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    // What comes next does not commit by itself.
    other.batch_execute("INSERT INTO mine VALUES (2000)").await.expect_err("a transaction that refuses to write");
    let error = server.store.commit(&mut other, &inserts([row("d")])).await.expect_err("a transaction that is over");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    server.end(other, Keep::Rollback).await.expect("a rollback");
    let (one, done) = waiting.join_next().await.expect("a task").expect("its end");
    done.expect("a row of the one that was not the victim");
    server.end(one, Keep::Commit).await.expect("a commit");
    assert_eq!(load(&server.store, &mut conn, "c").await.expect("a load").len(), 1);
    assert_eq!(load(&server.store, &mut conn, "d").await.expect("a load"), []);
    assert_eq!(text_of(&mut conn, "SELECT CAST(COUNT(*) AS CHAR) AS value FROM mine WHERE id = 2000").await, "0");
}
