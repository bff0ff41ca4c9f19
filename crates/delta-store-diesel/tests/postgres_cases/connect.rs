//! What connecting tells when it fails, and what a pool does.

use std::time::Duration;

use delta_core::{Access, ErrorKind, Migrate, Store, Target};
use delta_store_diesel::diesel_async::pooled_connection::AsyncDieselConnectionManager;
use delta_store_diesel::diesel_async::pooled_connection::deadpool::Pool;
use delta_store_diesel::diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use delta_store_diesel::{Listen, PgDieselStore, PgSettings, Recycling};
use delta_testkit::database::{PostgresDatabase, PostgresServer};
use futures::StreamExt;

use super::ask::text_of;
use super::rows::{insert, row};
use crate::postgres_support::Server;

async fn refusal(url: String) -> delta_core::Error {
    PgDieselStore::options(url).connect_timeout(Duration::from_secs(5)).connect().await.expect_err("a refusal")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    for host in ["127.0.0.1:1", "%2Fno%2Fsuch%2Ffolder"] {
        let error = refusal(format!("postgres://delta:hunter2@{host}/delta")).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("postgres://delta:hunter2@{}/delta", silent.local_addr().expect("its address"));
    let options = PgDieselStore::options(url).connect_timeout(Duration::from_millis(200));
    let error = options.connect().await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
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
async fn a_store_reaches_its_server_through_a_socket_of_the_machine() {
    let server = PostgresServer::start_private(&[("unix_socket_directories", "/tmp")]).await.expect("a server");
    let (user, address) = server.url().rsplit_once('@').expect("a URL with a user");
    let (_, place) = address.split_once(':').expect("a port");
    let url = format!("{user}@%2Ftmp:{place}");
    let store = PgDieselStore::connect(url).await.expect("a store");
    store.migrate_to(Target::Latest).await.expect("a schema");
    insert(&store, "a").await.expect("a commit");
    let mut wakeups = store.wakeups().expect("wake-ups");
    let heard = async {
        while tokio::time::timeout(Duration::from_millis(100), wakeups.next()).await.is_err() {
            store.wake(&[row("a").key.lane().into()]).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), heard).await.expect("a wake-up");
}

#[tokio::test]
async fn an_exhausted_pool_is_unavailable() {
    let database = PostgresDatabase::create().await.expect("a database");
    let options = PgDieselStore::options(database.url()).connections(1).wait_timeout(Duration::from_millis(200));
    let store = options.connect().await.expect("a store");
    let held = store.acquire(Access::Write).await.expect("the only connection");
    let error = store.acquire(Access::Write).await.err().expect("no connection");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    drop(held);
    drop(store.acquire(Access::Write).await.expect("the connection that was returned"));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let server = Server::fixture(PgSettings::new()).await;
    server.store.close();
    let error = server.store.acquire(Access::Write).await.err().expect("a closed pool");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn a_pool_of_the_callers_own_will_do() {
    let server = Server::fixture(PgSettings::new()).await;
    let pool = || {
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(server.database.url());
        Pool::builder(manager).build().expect("a pool")
    };
    let store = PgDieselStore::from_pool(pool(), PgSettings::new().listen(Listen::Off));
    insert(&store, "a").await.expect("a commit");
    assert!(store.wakeups().is_none());
    let store = PgDieselStore::from_pool(pool(), PgSettings::new());
    let mut wakeups = store.wakeups().expect("wake-ups");
    let heard = async {
        while tokio::time::timeout(Duration::from_millis(100), wakeups.next()).await.is_err() {
            server.store.wake(&[row("a").key.lane().into()]).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), heard).await.expect("a wake-up");
}

#[tokio::test]
async fn idle_connections_are_tested_as_the_pool_was_told() {
    let database = PostgresDatabase::create().await.expect("a database");
    for (recycling, usable) in [(Recycling::Verified, true), (Recycling::Fast, false)] {
        let options = PgDieselStore::options(database.url()).connections(1).recycling(recycling);
        let store = options.connect().await.expect("a store");
        let mut conn = store.acquire(Access::Write).await.expect("a connection");
        // A session that is fine but for each statement that it is to run: only a test finds it.
        conn.batch_execute("SET statement_timeout = 1; SET lc_time = 'C'").await.expect("a setting");
        conn.batch_execute("SELECT pg_sleep(10)").await.expect_err("a statement that takes longer");
        conn.batch_execute("SET statement_timeout = 0; CREATE TEMP TABLE mine (id integer)").await.expect("a mark");
        drop(conn);
        let mut conn = store.acquire(Access::Write).await.expect("a connection");
        conn.batch_execute("SELECT * FROM mine").await.expect("the same connection");
        // Inside a transaction that has failed, a test fails as well.
        conn.batch_execute("BEGIN; SELECT 1 / 0").await.expect_err("a division by zero");
        drop(conn);
        let mut conn = store.acquire(Access::Write).await.expect("a connection");
        assert_eq!(conn.batch_execute("SELECT 1").await.is_ok(), usable, "{recycling:?}");
    }
}

#[tokio::test]
async fn sessions_carry_the_name_of_the_application() {
    let server = Server::fixture(PgSettings::new()).await;
    let options = PgDieselStore::options(server.database.url()).application_name("billing");
    let store = options.connect().await.expect("a store");
    let mut conn = store.acquire(Access::Read).await.expect("a connection");
    assert_eq!(text_of(&mut conn, "SELECT current_setting('application_name') AS value").await, "billing");
}
