//! Migrations and S15.

use delta_core::{Access, ErrorKind, Migrate, Store, Target};
use delta_store_sqlx::sqlx::{AssertSqlSafe, Connection, query_scalar, raw_sql};
use delta_store_sqlx::{MySqlSettings, MySqlStore};
use delta_testkit::database::MariaDbDatabase;
use tokio::task::JoinSet;

use super::rows::insert;
use crate::mysql_support::Server;

async fn empty() -> (MariaDbDatabase, MySqlStore) {
    let database = MariaDbDatabase::create().await.expect("a database");
    let store = MySqlStore::connect(database.url()).await.expect("a store");
    (database, store)
}

async fn check(store: &MySqlStore) -> delta_core::Result<()> {
    let mut conn = store.acquire(Access::Read).await?;
    store.check(&mut conn).await
}

#[tokio::test]
async fn ten_processes_migrate_at_once() {
    let (database, store) = empty().await;
    let mut starting = JoinSet::new();
    for _ in 0..10 {
        let url = database.url().to_owned();
        starting.spawn(async move {
            let store = MySqlStore::options(url).connections(1).connect().await.expect("a store");
            store.migrate_to(Target::Latest).await
        });
    }
    for migrated in starting.join_all().await {
        assert!(migrated.expect("a migration").iter().all(|migration| migration.applied));
    }
    check(&store).await.expect("a schema that fits");
    insert(&store, "a").await.expect("a commit");
}

#[tokio::test]
async fn a_missing_schema_is_unsupported_and_says_what_to_do() {
    let (_database, store) = empty().await;
    let error = check(&store).await.expect_err("no schema");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("delta migrate up"), "{error}");
    let error = insert(&store, "a").await.expect_err("no tables");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("delta migrate up"), "{error}");
    assert!(store.migration_status().await.expect("a status").iter().all(|migration| !migration.applied));
}

#[tokio::test]
async fn a_newer_schema_is_unsupported_and_left_alone() {
    let server = Server::fixture().await;
    let newer = "INSERT INTO delta_migration (version, name, serves) VALUES (4000, 'of the future', 3999)";
    raw_sql(newer).execute(server.store.pool()).await.expect("a version");
    for error in [
        check(&server.store).await.expect_err("a newer schema"),
        server.store.migrate_to(Target::Latest).await.expect_err("a newer schema"),
        server.store.migrate_to(Target::Version(0)).await.expect_err("a newer schema"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("4000"), "{error}");
    }
    let status = server.store.migration_status().await.expect("a status");
    assert_eq!(status.last().map(|migration| (migration.version, migration.applied)), Some((4000, true)));
    insert(&server.store, "a").await.expect("tables that are still there");
}

#[tokio::test]
async fn an_older_schema_is_unsupported() {
    let server = Server::fixture().await;
    raw_sql("DELETE FROM delta_migration").execute(server.store.pool()).await.expect("no versions");
    let error = check(&server.store).await.expect_err("an older schema");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("found none"), "{error}");
}

#[tokio::test]
async fn down_to_zero_leaves_nothing_and_up_again_works() {
    let server = Server::fixture().await;
    insert(&server.store, "a").await.expect("a commit");
    let status = server.store.migrate_to(Target::Version(0)).await.expect("all down");
    assert!(status.iter().all(|migration| !migration.applied));
    let left: i64 = query_scalar("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()")
        .fetch_one(server.store.pool())
        .await
        .expect("a count");
    assert_eq!(left, 0, "no table is left");
    server.store.migrate_to(Target::Latest).await.expect("all up");
    insert(&server.store, "a").await.expect("a commit");
}

#[tokio::test]
async fn a_migration_that_was_ended_half_way_is_run_again() {
    let (_database, store) = empty().await;
    let statements = store.migration_sql();
    let statements: Vec<&str> = statements.split(";\n").collect();
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    for end in 1..statements.len() {
        let some = statements[..end].join(";\n");
        raw_sql(AssertSqlSafe(some)).execute(&mut *conn).await.expect("the first statements");
        let noted = query_scalar::<_, i64>("SELECT COUNT(*) FROM delta_migration").fetch_one(&mut *conn).await;
        assert!(noted.is_err() || noted.is_ok_and(|noted| noted < 2) || end == statements.len() - 1);
        store.migrate_to(Target::Latest).await.expect("the rest");
        check(&store).await.expect("a schema that fits");
        insert(&store, "a").await.expect("a commit");
        store.migrate_to(Target::Version(0)).await.expect("all down");
    }
    assert!(statements.len() > 9, "{}", statements.len());
}

#[tokio::test]
async fn a_killed_migration_leaves_its_lock_to_the_next() {
    let (database, store) = empty().await;
    let lock = "SELECT GET_LOCK(CONCAT('delta ', SHA1(CONCAT(DATABASE(), '.', 'delta'))), 0)";
    let mut killed = delta_store_sqlx::sqlx::MySqlConnection::connect(database.url()).await.expect("a connection");
    let had: i64 = query_scalar(lock).fetch_one(&mut killed).await.expect("an answer");
    assert_eq!(had, 1, "the lock of migrations");
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { store.migrate_to(Target::Latest).await });
    let processes = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT GET_LOCK(CONCAT%' \
                     AND DB = DATABASE()";
    while query_scalar::<_, i64>(processes).fetch_one(&mut killed).await.expect("a count") == 0 {
        tokio::task::yield_now().await;
    }
    drop(killed);
    waiting.join_next().await.expect("a task").expect("its end").expect("a migration");
}

#[tokio::test]
async fn a_version_that_nobody_knows_is_invalid() {
    let (_database, store) = empty().await;
    let error = store.migrate_to(Target::Version(4000)).await.expect_err("no such version");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(store.migration_status().await.expect("a status").iter().all(|migration| !migration.applied));
}

#[tokio::test]
async fn the_printed_statements_are_the_migration() {
    let (_database, store) = empty().await;
    raw_sql(AssertSqlSafe(store.migration_sql())).execute(store.pool()).await.expect("the statements");
    check(&store).await.expect("a schema that fits");
    insert(&store, "a").await.expect("a commit");
    assert!(store.migrate_to(Target::Latest).await.expect("nothing to do").iter().all(|migration| migration.applied));
}

#[tokio::test]
async fn stores_of_two_prefixes_do_not_see_each_other() {
    let server = Server::fixture().await;
    let settings = MySqlSettings::new().table_prefix("other").expect("a name");
    let other = MySqlStore::options(server.database.url()).settings(settings).connect().await.expect("a store");
    other.migrate_to(Target::Latest).await.expect("a schema");
    insert(&server.store, "a").await.expect("a commit");
    let mut conn = other.acquire(Access::Read).await.expect("a connection");
    assert_eq!(super::rows::load(&other, &mut conn, "a").await.expect("a load"), []);
    other.migrate_to(Target::Version(0)).await.expect("all down");
    check(&server.store).await.expect("a schema that is still there");
}

#[tokio::test]
async fn tables_of_another_character_set_or_engine_are_unsupported() {
    for (change, found) in [
        (
            "ALTER TABLE delta_detail MODIFY object LONGTEXT CHARACTER SET latin1 NOT NULL",
            "delta_detail.object in latin1",
        ),
        ("ALTER TABLE delta_cursor ENGINE = MyISAM", "delta_cursor in MyISAM"),
    ] {
        let server = Server::fixture().await;
        server.run(change).await;
        let error = check(&server.store).await.expect_err(change);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(found), "{error}");
    }
}
