//! The pooler for tests, tested: what it gives, and that nothing of it stays.
#![cfg(feature = "database")]
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod database_support;

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

use database_support::{Copy, ROLE, Worker, is_empty, runs, temporary, wait_until};
use delta_testkit::Backend;
use delta_testkit::database::{DatabaseError, PgBouncer, PostgresDatabase, pgbouncer, postgres};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor, Row};

/// The process of the server that answers a connection, asked without a prepared statement.
async fn server_process(connection: &mut PgConnection) -> i32 {
    connection.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()")).await.unwrap().get(0)
}

/// A pooler of the test's own with this setting.
async fn private(setting: (&str, &str)) -> Result<PgBouncer, DatabaseError> {
    PgBouncer::start_private(postgres().await.unwrap().url(), &[setting]).await
}

#[tokio::test]
#[ignore = "a role for the processes that other tests start"]
async fn copy_of_this_program() {
    assert_eq!(env::var(ROLE).unwrap(), "pool");
    let pooler = pgbouncer().await.unwrap();
    // What a test starts outlives it when it is killed, and must not keep the pooler.
    let mut worker = Command::new("sleep").arg("600").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    println!("says {}", worker.id());
    println!("says {}", pooler.url());
    worker.wait().unwrap();
}

#[tokio::test]
async fn a_database_of_the_shared_server_is_reached_through_the_pooler() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let url = pgbouncer().await.unwrap().url_of(&database);
    assert_ne!(url, database.url());
    let mut pooled = PgConnection::connect(&url).await.unwrap();
    pooled.execute("CREATE TABLE thing (id int); INSERT INTO thing VALUES (7)").await.unwrap();
    let mut direct = PgConnection::connect(database.url()).await.unwrap();
    let id: i32 = sqlx::query_scalar("SELECT id FROM thing").fetch_one(&mut direct).await.unwrap();
    assert_eq!(id, 7);
}

#[tokio::test]
async fn clients_share_a_connection_between_transactions_and_not_within() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let pooler = private(("default_pool_size", "2")).await.unwrap();
    let database = PostgresDatabase::create().await.unwrap();
    let url = pooler.url_of(&database);
    let mut one = PgConnection::connect(&url).await.unwrap();
    let mut two = PgConnection::connect(&url).await.unwrap();
    // Each stays connected, and yet they are answered by one process in turn.
    assert_eq!(server_process(&mut one).await, server_process(&mut two).await);
    one.execute("BEGIN").await.unwrap();
    assert_ne!(server_process(&mut one).await, server_process(&mut two).await);
}

#[tokio::test]
async fn a_database_is_dropped_while_it_is_in_the_pool() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let pooler = pgbouncer().await.unwrap();
    let database = PostgresDatabase::create().await.unwrap();
    let url = pooler.url_of(&database);
    let mut client = PgConnection::connect(&url).await.unwrap();
    server_process(&mut client).await;
    let name = database.name();
    drop(database);
    let mut direct = PgConnection::connect(postgres().await.unwrap().url()).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_one(&mut direct)
        .await
        .unwrap();
    assert_eq!(left, 0);
    let other = PostgresDatabase::create().await.unwrap();
    let mut client = PgConnection::connect(&pooler.url_of(&other)).await.unwrap();
    server_process(&mut client).await;
}

#[tokio::test]
async fn a_killed_pooler_is_restarted_under_the_same_url() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let pooler = private(("max_client_conn", "10")).await.unwrap();
    let mut before = PgConnection::connect(pooler.url()).await.unwrap();
    pooler.kill9().unwrap();
    assert!(before.execute("SELECT 1").await.is_err());
    assert!(PgConnection::connect(pooler.url()).await.is_err());
    pooler.restart().await.unwrap();
    let mut after = PgConnection::connect(pooler.url()).await.unwrap();
    server_process(&mut after).await;
}

#[tokio::test]
async fn a_setting_that_cannot_be_is_an_error_that_names_it() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let error = private(("pool_mode", "no_such_mode")).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Program { .. }), "{error:?}");
    assert!(error.to_string().contains("pool_mode"), "{error}");
}

#[tokio::test]
async fn a_server_without_a_password_in_its_url_is_refused() {
    let error = PgBouncer::start_private("postgres://somebody@127.0.0.1:1/postgres", &[]).await.unwrap_err();
    assert!(matches!(error, DatabaseError::InvalidUrl { .. }), "{error:?}");
}

#[tokio::test]
async fn the_pooler_of_a_killed_process_vanishes() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let server = postgres().await.unwrap();
    let directory = temporary();
    let environment = [("TMPDIR", directory.path().as_os_str()), ("DELTA_TEST_POSTGRES_URL", OsStr::new(server.url()))];
    let mut copy = Copy::start("pool", &environment);
    let worker = Worker(copy.says());
    let url = copy.says();
    let mut client = PgConnection::connect(&url).await.unwrap();
    server_process(&mut client).await;
    assert!(!is_empty(directory.path()));

    copy.kill9();
    wait_until("the pooler's directory is removed", || is_empty(directory.path()));
    wait_until("the pooler ends", || !runs(directory.path().to_str().unwrap()));
    assert!(client.execute("SELECT 1").await.is_err());
    // Had the worker ended with its parent, it would have proved nothing.
    assert!(worker.kill());
}
