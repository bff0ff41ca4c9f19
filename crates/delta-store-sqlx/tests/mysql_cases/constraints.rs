//! The database refuses rows that cannot be, whoever writes them.

use delta_core::Access;
use delta_core::Store;
use delta_store_sqlx::sqlx::mysql::MySqlDatabaseError;
use delta_store_sqlx::sqlx::{AssertSqlSafe, raw_sql};

use super::rows::{claim, insert};
use crate::mysql_support::Server;

#[tokio::test]
async fn rows_that_cannot_be_are_refused() {
    let server = Server::fixture().await;
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
        ("state = 'deleted', deleted_at = 1", &free),
        ("deleted_by = 'somebody'", &free),
        ("absent_by = 'worker'", &free),
        ("lease_token = 1", &free),
        ("lease_cancel = 1", &free),
        ("object_id = ''", &free),
        ("object_id = REPEAT('x', 1021)", &free),
        ("object_id = 'held', kind_id = kind_id", &"WHERE object_id = 'free'".to_owned()),
        ("hash = REPEAT('x', 33)", &free),
        ("max_attempts = -1", &free),
        ("paused = NULL", &free),
        ("paused = 2", &free),
        ("state = 'scheduled', run_at = 1", &pending),
        ("lease_until = NULL", &pending),
        ("lease_owner = NULL", &pending),
    ] {
        let text = format!("UPDATE delta_resource SET {update} {rows}");
        let refused = raw_sql(AssertSqlSafe(text)).execute(&mut *conn).await.expect_err(update);
        let number = refused.as_database_error().expect("an error of the server");
        let number = number.downcast_ref::<MySqlDatabaseError>().number();
        // A check of MySQL and of MariaDB, no null, a duplicate, too long.
        assert!([3819, 4025, 1048, 1062, 1406].contains(&number), "{update}: {refused}");
    }
    for refused in [
        "INSERT INTO delta_kind (name) VALUES ('Thing')",
        "INSERT INTO delta_namespace (name) VALUES ('a b')",
        "INSERT INTO delta_event (event_kind, at) VALUES ('object_paused', 1)",
        "INSERT INTO delta_event (event_kind, kind_id, at) VALUES ('object_scheduled', 1, 1)",
        "INSERT INTO delta_cursor (name, version) VALUES ('a', 0)",
    ] {
        raw_sql(refused).execute(&mut *conn).await.expect_err(refused);
    }
}
