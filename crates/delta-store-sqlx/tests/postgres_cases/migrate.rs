//! Migrations and S15.

use delta_core::{Access, ErrorKind, Migrate, Store, Target};
use delta_store_sqlx::sqlx::{AssertSqlSafe, query, query_scalar, raw_sql};
use delta_store_sqlx::{PgSettings, PgStore};
use delta_testkit::database::PostgresDatabase;
use tokio::task::JoinSet;

use super::rows::insert;
use crate::postgres_support::Server;

async fn empty() -> (PostgresDatabase, PgStore) {
    let database = PostgresDatabase::create().await.expect("a database");
    let store = PgStore::connect(database.url()).await.expect("a store");
    (database, store)
}

async fn check(store: &PgStore) -> delta_core::Result<()> {
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
            let store = PgStore::options(url).connections(1).connect().await.expect("a store");
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
    let server = Server::fixture(PgSettings::new()).await;
    let newer = "INSERT INTO delta.migration (version, name, serves) VALUES (4000, 'of the future', 3999)";
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
    let server = Server::fixture(PgSettings::new()).await;
    raw_sql("DELETE FROM delta.migration").execute(server.store.pool()).await.expect("no versions");
    let error = check(&server.store).await.expect_err("an older schema");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("found none"), "{error}");
}

#[tokio::test]
async fn down_to_zero_leaves_nothing_and_up_again_works() {
    let server = Server::fixture(PgSettings::new()).await;
    insert(&server.store, "a").await.expect("a commit");
    let status = server.store.migrate_to(Target::Version(0)).await.expect("all down");
    assert!(status.iter().all(|migration| !migration.applied));
    let left: i64 = query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname = 'delta'")
        .fetch_one(server.store.pool())
        .await
        .expect("a count");
    assert_eq!(left, 0, "the schema is gone too");
    server.store.migrate_to(Target::Latest).await.expect("all up");
    insert(&server.store, "a").await.expect("a commit");
}

#[tokio::test]
async fn down_to_zero_leaves_what_is_not_deltas() {
    let server = Server::fixture(PgSettings::new()).await;
    raw_sql("CREATE TABLE delta.mine (id integer)").execute(server.store.pool()).await.expect("a table");
    server.store.migrate_to(Target::Version(0)).await.expect("all down");
    query("SELECT id FROM delta.mine").execute(server.store.pool()).await.expect("a table that is still there");
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
async fn stores_of_two_schemas_do_not_see_each_other() {
    let server = Server::fixture(PgSettings::new()).await;
    let settings = PgSettings::new().schema("other").expect("a name");
    let other = PgStore::options(server.database.url()).settings(settings).connect().await.expect("a store");
    other.migrate_to(Target::Latest).await.expect("a schema");
    insert(&server.store, "a").await.expect("a commit");
    let mut conn = other.acquire(Access::Read).await.expect("a connection");
    assert_eq!(super::rows::load(&other, &mut conn, "a").await.expect("a load"), []);
    other.migrate_to(Target::Version(0)).await.expect("all down");
    check(&server.store).await.expect("a schema that is still there");
}

#[tokio::test]
async fn a_role_that_may_not_create_is_told_which_right_is_missing() {
    let server = Server::fixture(PgSettings::new()).await;
    let role = format!("{}_reader", server.database.name());
    server.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'")).await;
    let (_, address) = server.database.url().rsplit_once('@').expect("a URL with a user");
    let settings = PgSettings::new().schema("another").expect("a name");
    let url = format!("postgres://{role}:hunter2@{address}");
    let store = PgStore::options(url).settings(settings).connect().await.expect("a store");
    let error = store.migrate_to(Target::Latest).await.expect_err("no right");
    store.close().await;
    server.run(&format!("DROP ROLE {role}")).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("CREATE on the database"), "{error}");
}
