//! S12: a server that goes away and comes back.

use std::time::Duration;

use delta_core::{Access, ErrorKind, EventFilter, EventQuery, Migrate, Position, Store, Target};
use delta_store_diesel::MySqlDieselStore;
use delta_store_diesel::diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};
use delta_testkit::database::MariaDbServer;

use super::rows::{insert, inserts, row};

async fn store_on(server: &MariaDbServer) -> MySqlDieselStore {
    let options = MySqlDieselStore::options(server.url()).connections(5).wait_timeout(Duration::from_secs(10));
    let store = options.connect().await.expect("a store");
    store.migrate_to(Target::Latest).await.expect("a schema");
    store
}

/// Opens all connections of the pool, and leaves them idle in it.
async fn fill_pool(store: &MySqlDieselStore) {
    let mut conns = Vec::new();
    for _ in 0..5 {
        conns.push(store.acquire(Access::Write).await.expect("a connection"));
    }
    drop(conns);
    assert_eq!(store.pool().status().available, 5);
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
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    conn.transaction(async |conn| {
        store.commit(conn, &inserts([row("second")])).await.expect("a commit");
        Ok::<_, delta_store_diesel::diesel::result::Error>(())
    })
    .await
    .expect("a transaction");
}

#[tokio::test]
async fn a_read_only_server_is_unavailable_until_it_takes_writes_again() {
    let server = MariaDbServer::start_private(&[]).await.expect("a server");
    let admin = store_on(&server).await;
    // An administrator may write all the same.
    run(&server, "CREATE DATABASE app; CREATE USER app IDENTIFIED BY 'app'; GRANT ALL ON app.* TO app").await;
    let (_, address) = server.url().rsplit_once('@').expect("a URL with a user");
    let (host, _) = address.split_once('/').expect("a URL with a database");
    let store = MySqlDieselStore::connect(format!("mysql://app:app@{host}/app")).await.expect("a store");
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

/// Runs statements on a connection of an administrator's.
async fn run(server: &MariaDbServer, text: &str) {
    let mut conn = AsyncMysqlConnection::establish(server.url()).await.expect("a connection");
    conn.batch_execute(text).await.expect("a statement");
}
