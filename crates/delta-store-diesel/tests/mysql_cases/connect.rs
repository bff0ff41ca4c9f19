//! What connecting tells when it fails, and what a pool does.

use std::time::Duration;

use delta_core::{Access, ErrorKind, Store};
use delta_store_diesel::diesel;
use delta_store_diesel::diesel_async::pooled_connection::deadpool::Pool;
use delta_store_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig};
use delta_store_diesel::diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};
use delta_store_diesel::{MYSQL_SESSION, MySqlDieselStore, MySqlSettings};
use delta_testkit::database::MariaDbDatabase;

use super::rows::insert;
use crate::mysql_support::Server;

async fn refusal(url: String) -> delta_core::Error {
    MySqlDieselStore::options(url).connect_timeout(Duration::from_secs(5)).connect().await.expect_err("a refusal")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let error = refusal("mysql://delta:hunter2@127.0.0.1:1/delta".to_owned()).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_unknown_database_or_user_is_invalid() {
    let database = MariaDbDatabase::create().await.expect("a database");
    let elsewhere = database.url().replace(&database.name(), "no_such_database");
    let error = refusal(elsewhere).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("no_such_database"), "{error}");
    let (_, server) = database.url().rsplit_once('@').expect("a URL with a user");
    let error = refusal(format!("mysql://nobody_here:hunter2@{server}")).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_exhausted_pool_is_unavailable() {
    let database = MariaDbDatabase::create().await.expect("a database");
    let options = MySqlDieselStore::options(database.url()).connections(1).wait_timeout(Duration::from_millis(200));
    let store = options.connect().await.expect("a store");
    let held = store.acquire(Access::Write).await.expect("the only connection");
    let error = store.acquire(Access::Write).await.err().expect("no connection");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    drop(held);
    drop(store.acquire(Access::Write).await.expect("the connection that was returned"));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let server = Server::fixture().await;
    server.store.close();
    let error = server.store.acquire(Access::Write).await.err().expect("a closed pool");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn a_pool_of_the_callers_own_will_do() {
    let server = Server::fixture().await;
    let mut config = ManagerConfig::<AsyncMysqlConnection>::default();
    config.custom_setup = Box::new(|url| {
        Box::pin(async move {
            let mut conn = AsyncMysqlConnection::establish(url).await?;
            let told = conn.batch_execute(MYSQL_SESSION).await;
            told.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(server.database.url(), config);
    let store = MySqlDieselStore::from_pool(Pool::builder(manager).build().expect("a pool"), MySqlSettings::new());
    insert(&store, "a").await.expect("a commit");
    assert!(store.wakeups().is_none());
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    store.check(&mut conn).await.expect("a session that was told all");
}

#[tokio::test]
async fn a_session_that_was_told_nothing_is_found() {
    let server = Server::fixture().await;
    server.run("SET GLOBAL tx_isolation = 'REPEATABLE-READ'").await;
    let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(server.database.url());
    let store = MySqlDieselStore::from_pool(Pool::builder(manager).build().expect("a pool"), MySqlSettings::new());
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    let error = store.check(&mut conn).await.expect_err("another isolation");
    assert!(error.to_string().contains("READ-COMMITTED"), "{error}");
}
