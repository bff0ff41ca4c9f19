//! What a statement costs must not grow with the rows that it does not take.

use delta_core::{Access, Store};
use delta_sql::mysql::{MySqlSettings, statements};
use delta_store_sqlx::sqlx::mysql::MySqlRow;
use delta_store_sqlx::sqlx::{AssertSqlSafe, Row, query};

use crate::mysql_support::Server;

/// A table of which little is claimable, and much is to be claimed later.
async fn filled() -> Server {
    let server = Server::fixture().await;
    server
        .run(
            "INSERT INTO delta_kind (name) VALUES ('thing'); INSERT INTO delta_namespace (name) VALUES ('default'); \
             INSERT INTO delta_resource (id, generation, synced_generation, attempt, version, error_count, state_since, \
             created_at, updated_at, namespace_id, kind_id, priority, paused, lease_cancel, run_at, synced_at, state, \
             object_id, hash) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900), \
             m (i) AS (SELECT a.i * 20 + b.i FROM n a JOIN n b ON b.i <= 20) \
             SELECT i, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1 + i % 4, 0, 0, IF(i % 100 = 0, 0, 1000000 + i), \
             IF(i % 2 = 0, 1, NULL), IF(i % 2 = 0, 'synced', 'scheduled'), CONCAT('object ', i), \
             REPEAT('x', 32) FROM m; \
             INSERT INTO delta_detail SELECT id, REPEAT('x', 500), NULL FROM delta_resource; \
             ANALYZE TABLE delta_resource, delta_detail",
        )
        .await;
    server
}

/// The text of a statement, whose parameters are these.
fn text(name: &str, parameters: &[&str]) -> String {
    let statements = statements(&MySqlSettings::new());
    let (_, text) = statements.iter().find(|(found, _)| *found == name).expect("a statement");
    let mut parts = text.split('?');
    let mut filled = parts.next().expect("a beginning").to_owned();
    let mut parameters = parameters.iter();
    for part in parts {
        filled += parameters.next().expect("a parameter");
        filled += part;
    }
    assert!(parameters.next().is_none(), "{filled}");
    filled
}

/// A line of a plan: the table, how it is read, by which index, and what else is done.
#[derive(Debug)]
struct Line {
    table: String,
    access: String,
    key: String,
    extra: String,
}

async fn plan(server: &Server, text: &str) -> Vec<Line> {
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let rows = query(AssertSqlSafe(format!("EXPLAIN {text}"))).fetch_all(&mut *conn).await.expect("a plan");
    let part = |row: &MySqlRow, column: &str| row.try_get_unchecked::<Option<String>, _>(column).ok().flatten();
    let part = |row: &MySqlRow, column| part(row, column).unwrap_or_default();
    let line = |row| Line {
        table: part(row, "table"),
        access: part(row, "type"),
        key: part(row, "key"),
        extra: part(row, "Extra"),
    };
    rows.iter().map(line).collect()
}

const IDS: &str = "'[[1],[2],[3]]'";
const ALL: [&str; 8] = ["NULL"; 8];

#[tokio::test]
async fn a_claim_walks_its_index_in_order() {
    let server = filled().await;
    let lines = plan(&server, &text("pick", &["1", "1", "1000", "10"])).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&*lines[0].access, &*lines[0].key), ("range", "resource_claim"), "{lines:?}");
    // Sorted, all rows would be read, and locked, before the first is taken.
    assert!(!lines[0].extra.contains("filesort") && !lines[0].extra.contains("temporary"), "{lines:?}");
}

#[tokio::test]
async fn rows_are_locked_written_and_read_by_their_keys() {
    let server = filled().await;
    let keys = "'[[1,1,\"6F\"]]'";
    for (name, parameters, key) in [
        ("lock", vec![IDS], "PRIMARY"),
        ("lock_free", vec![IDS], "PRIMARY"),
        ("heads", vec![IDS], "PRIMARY"),
        ("full", vec![IDS], "PRIMARY"),
        ("details", vec![IDS], "PRIMARY"),
        ("ids_by_key", vec![keys], "resource_key"),
        ("full_by_key", vec![keys], "resource_key"),
        ("lock_cursors", vec!["'[[\"61\"]]'"], "PRIMARY"),
        ("remove_resources", vec![IDS], "PRIMARY"),
        ("remove_errors", vec![IDS], "PRIMARY"),
        ("prune_errors", vec!["'[[1,1]]'"], "PRIMARY"),
    ] {
        let lines = plan(&server, &text(name, &parameters)).await;
        let (list, rest) = lines.split_first().expect("a list");
        assert_eq!(list.table, "j", "{name}: the list comes first: {lines:?}");
        for line in rest {
            assert!(["eq_ref", "ref"].contains(&&*line.access), "{name}: {lines:?}");
            assert!(line.table != "r" || line.key == key, "{name}: {lines:?}");
        }
    }
}

#[tokio::test]
async fn what_is_due_is_found_by_its_index() {
    let server = filled().await;
    let due = |name, found: &[&'static str]| text(name, &[found, &ALL, &["10"]].concat());
    for (text, key) in [
        (due("due_expiry", &["0"]), "resource_expiry"),
        (due("due_rescue", &["0"]), "resource_lease"),
        (due("due_ended", &["0", "'deleted'"]), "resource_ended"),
        (due("due_missing", &["100"]), "PRIMARY"),
    ] {
        let lines = plan(&server, &text).await;
        assert_eq!((&*lines[0].access, &*lines[0].key), ("range", key), "{lines:?}");
        assert!(!lines[0].extra.contains("filesort"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_lane_is_told_by_the_first_rows_of_its_priorities() {
    let server = filled().await;
    let lines = plan(&server, &text("lanes", &[&ALL[..], &["0"; 4]].concat())).await;
    assert_eq!(lines.iter().filter(|line| line.table == "d").count(), 4, "{lines:?}");
    for line in lines.iter().filter(|line| line.table == "d") {
        assert_eq!((&*line.access, &*line.key), ("ref", "resource_claim"), "{lines:?}");
        assert!(!line.extra.contains("filesort"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_page_of_the_log_is_read_from_where_it_begins() {
    let server = filled().await;
    server
        .run(
            "INSERT INTO delta_event (event_kind, kind_id, at) SELECT 'object_paused', 1, 1 FROM delta_resource; \
             ANALYZE TABLE delta_event",
        )
        .await;
    let parameters =
        [&["17000", "18000", "NULL", "NULL"], &ALL[..], &["NULL", "NULL", "NULL", "NULL", "NULL", "1", "100"]].concat();
    let lines = plan(&server, &text("log_page", &parameters)).await;
    assert_eq!((&*lines[0].access, &*lines[0].key), ("range", "PRIMARY"), "{lines:?}");
    assert!(!lines[0].extra.contains("filesort"), "{lines:?}");
}
