//! The schema of the SQLite store: what it refuses, how it is looked through, and how it comes and goes.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use delta_core::{Access, ErrorKind, Migrate, Store, Target};
use delta_sql::TablePrefix;
use delta_sql::sqlite::{Statements, Tables};
use delta_store_sqlx::sqlx::{self, AssertSqlSafe, Connection, Row, SqliteConnection};
use delta_store_sqlx::{AutoMigrate, SqliteOptions, SqliteStore};
use sqlite_support::{NOW, commit, file, find, inserts, row};

/// No statement walks through a table that grows, but for those that have to.
#[tokio::test]
async fn statements_find_rows_by_an_index() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let mut walks = Vec::new();
    for (name, sql) in Statements::new(&Tables::new(TablePrefix::default())).all() {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut *tx).await.unwrap();
        for step in plan {
            let step: String = step.get("detail");
            let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            let growing = ["r", "e", "d", "x", "delta_resource", "delta_event", "delta_detail", "delta_error"];
            if growing.contains(&table) {
                walks.push(format!("{name}: {step}"));
            }
        }
    }
    let expected = [
        // The first of the index only.
        "lanes: SCAN delta_resource USING INDEX delta_resource_claim",
        // For the foreign key, and only when a kind is new.
        "create_kinds: SCAN delta_resource USING COVERING INDEX sqlite_autoindex_delta_resource_1",
        "put_kinds: SCAN delta_resource USING COVERING INDEX sqlite_autoindex_delta_resource_1",
        // Whether there is any row.
        "foreign: SCAN delta_resource USING COVERING INDEX sqlite_autoindex_delta_resource_1",
        "foreign: SCAN delta_event",
        "due_purge_synced: SCAN r USING INDEX delta_resource_synced",
        "count: SCAN r USING INDEX sqlite_autoindex_delta_resource_1",
    ];
    walks.retain(|walk| !expected.contains(&walk.as_str()));
    assert_eq!(walks, Vec::<String>::new());
}

/// What each `UPDATE` by hand would make of a row cannot be.
#[tokio::test]
async fn an_impossible_row_cannot_be_written_by_hand() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    commit(&store, &inserts([row("a")])).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let impossible = [
        "state = 'unheard of'",
        "state = 'pending'",
        "state = 'pending', lease_token = 1, lease_generation = 1, lease_attempt = 1, lease_owner = 1",
        "lease_token = 1, lease_generation = 1, lease_attempt = 1, lease_owner = 1, lease_until = 1",
        "lease_until = 1",
        "cancel_requested = 1",
        "run_at = NULL",
        "state = 'deleted', deleted_at = 1",
        "state = 'deleted', deleted_by = 'worker'",
        "deleted_by = 'nobody'",
        "absent_by = 'nobody'",
        "priority = 0",
        "priority = 5",
        "generation = 0",
        "synced_generation = 2",
        "synced_generation = -1",
        "attempt = -1",
        "max_attempts = -1",
        "version = 0",
        "error_count = -1",
        "hash = x'00'",
        "paused = 2",
        "object_id = ''",
        "namespace_id = 99",
        "kind_id = 99",
        "state_since = NULL",
        "updated_at = 'yesterday'",
        "run_at = 'tomorrow'",
    ];
    for change in impossible {
        let sql = format!("UPDATE delta_resource SET {change}");
        assert!(sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.is_err(), "{change}");
    }
    let more = [
        "DELETE FROM delta_resource",
        "DELETE FROM delta_kind",
        "DELETE FROM delta_namespace",
        "UPDATE delta_detail SET resource_id = 99",
        "UPDATE delta_detail SET object = NULL",
        "UPDATE delta_kind SET name = NULL",
        "UPDATE delta_event SET reason = NULL",
        "UPDATE delta_event SET object_id = NULL",
        "UPDATE delta_event SET resource_id = NULL",
        "UPDATE delta_event SET kind_id = NULL",
    ];
    for sql in more {
        assert!(sqlx::query(sql).execute(&mut *tx).await.is_err(), "{sql}");
    }
    for sql in ["UPDATE delta_resource SET state = 'synced', run_at = NULL", "UPDATE delta_resource SET priority = 4"] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
}

/// What a row cannot be is found out when it is read.
#[tokio::test]
async fn a_row_without_its_object_is_corrupt_and_not_absent() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    commit(&store, &inserts([row("a")])).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    sqlx::query("DELETE FROM delta_detail").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let error = find(&store, "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("resource 1: no object"), "{error}");
}

#[tokio::test]
async fn going_down_removes_everything_and_up_brings_it_back() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    commit(&store, &inserts([row("a")])).await.unwrap();
    let status = store.migration_status().await.unwrap();
    assert!(status.iter().all(|version| version.applied), "{status:?}");

    let down = store.migrate_to(Target::Version(0)).await.unwrap();
    assert!(down.iter().all(|version| !version.applied), "{down:?}");
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'delta%'")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(left, 0);
    assert_eq!(store.check(&mut conn).await.unwrap_err().kind(), ErrorKind::Unsupported);

    let up = store.migrate_to(Target::Latest).await.unwrap();
    assert_eq!(up, status);
    store.check(&mut conn).await.unwrap();
    assert_eq!(find(&store, "a").await.unwrap(), None);
    let error = store.migrate_to(Target::Version(9_999)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

async fn schema_of(conn: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .fetch_all(conn)
        .await
        .expect("a schema")
}

#[tokio::test]
async fn the_printed_migration_makes_the_same_schema() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let mut by_hand = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(store.migration_sql())).execute(&mut by_hand).await.unwrap();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    assert_eq!(schema_of(&mut by_hand).await, schema_of(&mut conn).await);
    store.check(&mut by_hand).await.unwrap();
}

#[tokio::test]
async fn a_missing_schema_says_how_to_mend_it() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteOptions::new(&path).auto_migrate(AutoMigrate::Never).open().await.unwrap();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let error = store.check(&mut conn).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("found none: run `delta migrate up`"), "{error}");
    let error = commit(&store, &inserts([row("a")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("run `delta migrate up`"), "{error}");
    store.migrate_to(Target::Latest).await.unwrap();
    store.check(&mut conn).await.unwrap();
    commit(&store, &inserts([row("a")])).await.unwrap();
}

#[tokio::test]
async fn an_older_schema_says_how_to_mend_it() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let latest: i64 = sqlx::query_scalar("SELECT max(version) FROM delta_migration").fetch_one(&mut *tx).await.unwrap();
    sqlx::query("DELETE FROM delta_migration WHERE version = ?1").bind(latest).execute(&mut *tx).await.unwrap();
    let error = store.check(&mut tx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("run `delta migrate up`"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(&path).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    sqlx::query("INSERT INTO delta_migration VALUES (9999, 'of tomorrow', 9998)").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let newer = [
        store.check(&mut conn).await.unwrap_err(),
        store.migrate_to(Target::Latest).await.unwrap_err(),
        store.migrate_to(Target::Version(0)).await.unwrap_err(),
        SqliteStore::open(&path).await.unwrap_err(),
    ];
    for error in newer {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("found version 9999 (of tomorrow)"), "{error}");
    }
    let status = store.migration_status().await.unwrap();
    assert_eq!(status.last().map(|last| (last.version, last.applied)), Some((9_999, true)));
}

#[tokio::test]
async fn a_newer_schema_that_serves_this_version_is_worked_with() {
    let Some((_directory, path)) = file() else { return };
    let store = SqliteStore::open(&path).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let tomorrow = "INSERT INTO delta_migration VALUES (3, 'of tomorrow', 1); \
                    ALTER TABLE delta_resource ADD COLUMN tomorrow INTEGER; \
                    ALTER TABLE delta_detail ADD COLUMN tomorrow TEXT; ALTER TABLE delta_error ADD COLUMN tomorrow TEXT; \
                    ALTER TABLE delta_dead_letter ADD COLUMN tomorrow TEXT; \
                    ALTER TABLE delta_event ADD COLUMN tomorrow TEXT; ALTER TABLE delta_cursor ADD COLUMN tomorrow TEXT; \
                    ALTER TABLE delta_kind ADD COLUMN tomorrow TEXT; ALTER TABLE delta_namespace ADD COLUMN tomorrow TEXT";
    sqlx::raw_sql(tomorrow).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    commit(&store, &inserts([row("a")])).await.unwrap();
    // As a process of this version would that starts now.
    let again = SqliteStore::open(&path).await.unwrap();
    let status = again.migrate_to(Target::Latest).await.unwrap();
    assert_eq!(status.last().map(|last| (last.version, last.applied)), Some((3, true)));
    assert_eq!(again.migrate_to(Target::Version(0)).await.unwrap_err().kind(), ErrorKind::Unsupported);
    commit(&again, &inserts([row("b")])).await.unwrap();
}

#[tokio::test]
async fn stores_of_two_prefixes_share_a_file_and_nothing_else() {
    let Some((_directory, path)) = file() else { return };
    let one = SqliteStore::open(&path).await.unwrap();
    let prefix = TablePrefix::new("other").unwrap();
    let other = SqliteOptions::new(&path).table_prefix(prefix).open().await.unwrap();
    commit(&one, &inserts([row("a")])).await.unwrap();
    assert_eq!(find(&other, "a").await.unwrap(), None);
    commit(&other, &inserts([row("b")])).await.unwrap();
    assert_eq!(find(&one, "b").await.unwrap(), None);
    other.migrate_to(Target::Version(0)).await.unwrap();
    assert_eq!(find(&one, "a").await.unwrap().map(|found| found.created_at), Some(NOW));
}
