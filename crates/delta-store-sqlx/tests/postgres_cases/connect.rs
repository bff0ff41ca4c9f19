//! What connecting tells when it fails, and what a pool does.

use std::time::Duration;

use delta_core::{Access, ErrorKind, Store};
use delta_store_sqlx::sqlx::postgres::PgPoolOptions;
use delta_store_sqlx::{Listen, PgSettings, PgStore};
use delta_testkit::database::PostgresDatabase;

use super::rows::insert;
use crate::postgres_support::Server;

async fn refusal(url: String) -> delta_core::Error {
    PgStore::options(url).acquire_timeout(Duration::from_secs(5)).connect().await.expect_err("a refusal")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let error = refusal("postgres://delta:hunter2@127.0.0.1:1/delta".to_owned()).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_unknown_database_or_user_is_invalid() {
    let database = PostgresDatabase::create().await.expect("a database");
    let elsewhere = database.url().replace(&database.name(), "no_such_database");
    let error = refusal(elsewhere).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("no_such_database"), "{error}");
    let (_, server) = database.url().rsplit_once('@').expect("a URL with a user");
    let error = refusal(format!("postgres://nobody_here:hunter2@{server}")).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_exhausted_pool_is_unavailable() {
    let database = PostgresDatabase::create().await.expect("a database");
    let options = PgStore::options(database.url()).connections(1).acquire_timeout(Duration::from_millis(200));
    let store = options.connect().await.expect("a store");
    let held = store.acquire(Access::Write).await.expect("the only connection");
    let error = store.acquire(Access::Write).await.expect_err("no connection");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    drop(held);
    store.acquire(Access::Write).await.expect("the connection that was returned");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let server = Server::fixture(PgSettings::new()).await;
    server.store.close().await;
    let error = server.store.acquire(Access::Write).await.expect_err("a closed pool");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let error = server.store.begin().await.expect_err("a closed pool");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn a_pool_of_the_callers_own_will_do() {
    let server = Server::fixture(PgSettings::new()).await;
    let pool = PgPoolOptions::new().connect(server.database.url()).await.expect("a pool");
    let store = PgStore::from_pool(pool, PgSettings::new().listen(Listen::Off));
    insert(&store, "a").await.expect("a commit");
    assert!(store.wakeups().is_none());
}

#[tokio::test]
async fn sessions_carry_the_name_of_the_application() {
    let server = Server::fixture(PgSettings::new()).await;
    let store = PgStore::options(server.database.url()).application_name("billing").connect().await.expect("a store");
    let mut conn = store.acquire(Access::Read).await.expect("a connection");
    let name: String = delta_store_sqlx::sqlx::query_scalar("SELECT current_setting('application_name')")
        .fetch_one(&mut *conn)
        .await
        .expect("a setting");
    assert_eq!(name, "billing");
}
