//! A primary and its standby.

use std::time::Duration;

use delta_testkit::Backend;
use delta_testkit::database::{PostgresServer, Replication};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tokio::time::timeout;

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn count(url: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM thing").fetch_one(&mut connect(url).await).await.unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_synchronous_standby_was_promoted() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let primary = PostgresServer::start_private(&[]).await.unwrap();
    connect(primary.url()).await.execute("CREATE TABLE thing (id int)").await.unwrap();
    let standby = primary.standby(Replication::Synchronous, &[]).await.unwrap();
    let mut conn = connect(primary.url()).await;
    for _ in 0..100 {
        conn.execute("INSERT INTO thing VALUES (1)").await.unwrap();
    }
    let written = connect(standby.url()).await.execute("INSERT INTO thing VALUES (1)").await.unwrap_err();
    assert!(written.to_string().contains("read-only"), "{written}");
    primary.kill9().unwrap();
    standby.promote().await.unwrap();
    assert_eq!(count(standby.url()).await, 100);
    // It waits for no standby itself.
    connect(standby.url()).await.execute("INSERT INTO thing VALUES (2)").await.unwrap();
}

#[tokio::test]
async fn a_primary_whose_synchronous_standby_is_gone_acknowledges_nothing() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let primary = PostgresServer::start_private(&[]).await.unwrap();
    connect(primary.url()).await.execute("CREATE TABLE thing (id int)").await.unwrap();
    let standby = primary.standby(Replication::Synchronous, &[]).await.unwrap();
    standby.detach().await.unwrap();
    let (mut writer, mut looker) = (connect(primary.url()).await, connect(primary.url()).await);
    let mut writing = Box::pin(writer.execute("INSERT INTO thing VALUES (1)"));
    loop {
        let waits = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')");
        let step = timeout(Duration::from_millis(10), &mut writing).await;
        assert!(step.is_err(), "acknowledged: {step:?}");
        if waits.fetch_one(&mut looker).await.unwrap() {
            break;
        }
    }
    assert_eq!(count(primary.url()).await, 0, "nobody sees it");
    standby.promote().await.unwrap();
    assert_eq!(count(standby.url()).await, 0);
    primary.kill9().unwrap();
    assert!(writing.await.is_err());
}

#[tokio::test]
async fn an_asynchronous_standby_catches_up_and_a_detached_one_does_not() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let primary = PostgresServer::start_private(&[]).await.unwrap();
    let standby = primary.standby(Replication::Asynchronous, &[("cluster_name", "mine")]).await.unwrap();
    let mut conn = connect(primary.url()).await;
    conn.execute("CREATE TABLE thing (id int); INSERT INTO thing VALUES (1)").await.unwrap();
    standby.caught_up().await.unwrap();
    assert_eq!(count(standby.url()).await, 1);
    let name: String =
        sqlx::query_scalar("SHOW cluster_name").fetch_one(&mut connect(standby.url()).await).await.unwrap();
    assert_eq!(name, "mine");
    standby.detach().await.unwrap();
    conn.execute("INSERT INTO thing VALUES (2)").await.unwrap();
    standby.promote().await.unwrap();
    assert_eq!((count(primary.url()).await, count(standby.url()).await), (2, 1));
    assert!(primary.promote().await.is_err(), "it is no standby");
}
