//! S12: a server that goes away and comes back.

use std::time::Duration;

use delta_core::{Access, ErrorKind, EventFilter, EventQuery, Migrate, Position, Store, Target};
use delta_store_sqlx::MySqlStore;
use delta_store_sqlx::sqlx::{AssertSqlSafe, Connection, MySqlConnection, query_scalar, raw_sql};
use delta_testkit::database::MariaDbServer;

use super::rows::insert;

async fn store_on(server: &MariaDbServer) -> MySqlStore {
    let options = MySqlStore::options(server.url()).connections(5).acquire_timeout(Duration::from_secs(10));
    let store = options.connect().await.expect("a store");
    store.migrate_to(Target::Latest).await.expect("a schema");
    store
}

/// Opens all connections of the pool, and leaves them idle in it.
async fn fill_pool(store: &MySqlStore) {
    let mut conns = Vec::new();
    for _ in 0..5 {
        conns.push(store.acquire(Access::Write).await.expect("a connection"));
    }
    drop(conns);
    while store.pool().num_idle() < 5 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn after_a_crash_of_the_server_one_call_fails_and_the_next_works() {
    let server = MariaDbServer::start_private(&[]).await.expect("a server");
    let store = store_on(&server).await;
    insert(&store, "before").await.expect("a commit before the crash");
    fill_pool(&store).await;
    server.kill9().expect("a killed server");
    server.restart().await.expect("a restarted server");
    let failed = insert(&store, "first").await.expect_err("the call that meets the lost connection");
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    for object_id in ["second", "third", "fourth", "fifth", "sixth"] {
        insert(&store, object_id).await.expect("a commit after the crash");
    }
}

#[tokio::test]
async fn a_transaction_can_be_opened_after_a_crash_of_the_server() {
    let server = MariaDbServer::start_private(&[]).await.expect("a server");
    let store = store_on(&server).await;
    fill_pool(&store).await;
    server.kill9().expect("a killed server");
    server.restart().await.expect("a restarted server");
    insert(&store, "first").await.expect_err("the call that meets the lost connection");
    store.begin().await.expect("a transaction").rollback().await.expect("its end");
}

#[tokio::test]
async fn a_read_only_server_is_unavailable_until_it_takes_writes_again() {
    let server = MariaDbServer::start_private(&[]).await.expect("a server");
    let admin = store_on(&server).await;
    // An administrator may write all the same.
    run(&server, "CREATE DATABASE app; CREATE USER app IDENTIFIED BY 'app'; GRANT ALL ON app.* TO app").await;
    let (_, address) = server.url().rsplit_once('@').expect("a URL with a user");
    let (host, _) = address.split_once('/').expect("a URL with a database");
    let store = MySqlStore::connect(format!("mysql://app:app@{host}/app")).await.expect("a store");
    store.migrate_to(Target::Latest).await.expect("a schema");
    run(&server, "SET GLOBAL read_only = 1").await;
    let failed = insert(&store, "a").await.expect_err("a write to a read-only server");
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    let mut conn = store.acquire(Access::Read).await.expect("a connection");
    let all = EventQuery { after: Position::START, limit: 10, filter: EventFilter::default() };
    let failed = store.events(&mut conn, &all).await.expect_err("the log of a read-only server");
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    run(&server, "SET GLOBAL read_only = 0").await;
    insert(&store, "a").await.expect("a write to a server that takes writes");
    assert_eq!(store.events(&mut conn, &all).await.expect("a page").events.len(), 1);
    drop(admin);
}

#[tokio::test]
async fn sessions_that_were_killed_are_made_anew_as_they_were() {
    let server = MariaDbServer::start_private(&[]).await.expect("a server");
    let store = store_on(&server).await;
    fill_pool(&store).await;
    let ids: Vec<i64> = query_scalar("SELECT CAST(ID AS SIGNED) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER <> 'system user'")
        .fetch_all(store.pool())
        .await
        .expect("sessions");
    for id in ids {
        run(&server, &format!("KILL CONNECTION {id}")).await;
    }
    let _ = insert(&store, "first").await;
    insert(&store, "second").await.expect("a commit on a new session");
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    store.check(&mut conn).await.expect("a session that was told all");
}

/// Runs statements on a connection of an administrator's.
async fn run(server: &MariaDbServer, text: &str) {
    let mut conn = MySqlConnection::connect(server.url()).await.expect("a connection");
    raw_sql(AssertSqlSafe(text)).execute(&mut conn).await.expect("a statement");
}
