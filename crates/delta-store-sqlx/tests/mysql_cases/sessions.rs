//! What sessions have to be told, and what is said of those that were not.

use delta_core::{Access, Depth, ErrorKind, Load, LoadBy, Store};
use delta_store_sqlx::sqlx::{AssertSqlSafe, Connection, query_scalar, raw_sql};

use super::rows::{insert, inserts, load, row};
use crate::mysql_support::Server;

#[tokio::test]
async fn a_session_that_is_not_as_it_has_to_be_is_refused_by_the_check() {
    let server = Server::fixture().await;
    for (setting, kind, found) in [
        ("SET NAMES latin1", ErrorKind::Unsupported, "latin1"),
        ("SET SESSION sql_mode = ''", ErrorKind::Unsupported, "sql_mode"),
        ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", ErrorKind::Invalid, "REPEATABLE-READ"),
        ("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", ErrorKind::Invalid, "SERIALIZABLE"),
    ] {
        let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
        server.store.check(&mut conn).await.expect("a session that was told all");
        raw_sql(AssertSqlSafe(setting)).execute(&mut *conn).await.expect("a setting");
        let error = server.store.check(&mut conn).await.expect_err(setting);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(found), "{error}");
        server.store.discard(conn);
    }
}

#[tokio::test]
async fn a_callers_transaction_of_another_isolation_is_refused_before_anything_is_written() {
    let server = Server::fixture().await;
    insert(&server.store, "a").await.expect("a commit");
    for isolation in ["REPEATABLE READ", "SERIALIZABLE", "READ UNCOMMITTED"] {
        let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
        let setting = format!("SET SESSION TRANSACTION ISOLATION LEVEL {isolation}");
        raw_sql(AssertSqlSafe(setting)).execute(&mut *conn).await.expect("a setting");
        let mut tx = conn.begin().await.expect("a transaction");
        let error = server.store.commit(&mut tx, &inserts([row("b")])).await.expect_err(isolation);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("READ-COMMITTED"), "{error}");
        let locking = Load { by: LoadBy::Keys(vec![row("a").key]), depth: Depth::Head, access: Access::Write };
        let error = server.store.load(&mut tx, &locking).await.expect_err(isolation);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        tx.commit().await.expect("a transaction that is still usable");
        assert_eq!(load(&server.store, &mut conn, "b").await.expect("a load"), []);
        server.store.discard(conn);
    }
}

#[tokio::test]
async fn a_lock_is_waited_for_no_longer_than_the_documentation_says() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let wait: i64 = query_scalar("SELECT CAST(@@SESSION.innodb_lock_wait_timeout AS SIGNED)")
        .fetch_one(&mut *conn)
        .await
        .expect("a value");
    assert_eq!(wait, 5);
}
