//! The database refuses rows that cannot be, whoever writes them.

use delta_core::Access;
use delta_core::Store;
use delta_store_sqlx::PgSettings;
use delta_store_sqlx::sqlx::error::DatabaseError;
use delta_store_sqlx::sqlx::{AssertSqlSafe, raw_sql};

use super::rows::{claim, insert};
use crate::postgres_support::Server;

#[tokio::test]
async fn rows_that_cannot_be_are_refused() {
    let server = Server::fixture(PgSettings::new()).await;
    for object_id in ["free", "held"] {
        insert(&server.store, object_id).await.expect("a row");
    }
    let held = claim(&server.store, 1).await.expect("a claim").remove(0);
    let free = format!("WHERE object_id <> '{}'", held.key.object_id);
    let pending = format!("WHERE id = {}", held.id);
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for (update, rows) in [
        ("state = 'pending'", &free),
        ("state = 'asleep'", &free),
        ("run_at = NULL", &free),
        ("priority = 0", &free),
        ("priority = 5", &free),
        ("generation = 0", &free),
        ("synced_generation = 2", &free),
        ("attempt = -1", &free),
        ("version = 0", &free),
        ("error_count = -1", &free),
        ("state = 'deleted'", &free),
        ("state = 'deleted', deleted_at = now()", &free),
        ("deleted_by = 'somebody'", &free),
        ("absent_by = 'worker'", &free),
        ("lease_token = 1", &free),
        ("lease_cancel = true", &free),
        ("object_id = ''", &free),
        ("object_id = repeat('x', 256)", &free),
        ("object_id = 'held', kind_id = kind_id", &"WHERE object_id = 'free'".to_owned()),
        ("hash = '\\x00'", &free),
        ("paused = NULL", &free),
        ("state = 'scheduled', run_at = now()", &pending),
        ("lease_until = NULL", &pending),
        ("lease_owner = NULL", &pending),
    ] {
        let text = format!("UPDATE delta.resource SET {update} {rows}");
        let refused = raw_sql(AssertSqlSafe(text)).execute(&mut *conn).await.expect_err(update);
        let code = refused.as_database_error().and_then(DatabaseError::code).expect("a SQLSTATE").into_owned();
        assert!(["23514", "23502", "23505"].contains(&&*code), "{update}: {refused}");
    }
    for refused in [
        "INSERT INTO delta.kind (name) VALUES ('Thing')",
        "INSERT INTO delta.namespace (name) VALUES ('a--b')",
        "INSERT INTO delta.event (event_kind, at) VALUES ('object_paused', now())",
        "INSERT INTO delta.event (event_kind, kind_id, at) VALUES ('object_scheduled', 1, now())",
        "INSERT INTO delta.cursor (name, version) VALUES ('a', 0)",
    ] {
        raw_sql(refused).execute(&mut *conn).await.expect_err(refused);
    }
}
