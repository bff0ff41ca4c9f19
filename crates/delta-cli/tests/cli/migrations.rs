use delta::core::Store as _;
use delta_store_sqlx::sqlx;
use serde_json::json;

use crate::on_all;
use crate::support::{Database, Store};

on_all! {
    a_schema_goes_up_and_down,
    a_schema_that_is_missing_or_newer_is_refused_with_code_4,
    the_printed_statements_make_the_schema,
}

async fn a_schema_goes_up_and_down(database: &Database) {
    let up = database.json(&["migrate", "up"]);
    assert_eq!(up["versions"][0]["version"], 1);
    assert!(up["versions"].as_array().unwrap().iter().all(|version| version["applied"] == true), "{up}");
    assert_eq!(database.json(&["migrate", "up"]), up);
    assert_eq!(database.json(&["migrate", "status"]), up);
    assert_eq!(database.run(&["resource", "list"]).code, 0);

    let newest = up["versions"].as_array().unwrap().len() as u64;
    let above = (newest + 1).to_string();
    assert_eq!(database.run(&["migrate", "down", "--to", &above]).code, 2);
    assert_eq!(database.run(&["migrate", "up", "--to", "0"]).code, 2);
    let down = database.json(&["migrate", "down", "--to", "0"]);
    assert!(down["versions"].as_array().unwrap().iter().all(|version| version["applied"] == false), "{down}");
}

async fn a_schema_that_is_missing_or_newer_is_refused_with_code_4(database: &Database) {
    database.json(&["migrate", "up"]);
    database.json(&["migrate", "down", "--to", "0"]);
    for command in [&["resource", "list"][..], &["doctor"], &["event", "tail"]] {
        let run = database.run(command);
        assert_eq!(run.code, 4, "{run:?}");
        assert!(run.err.contains("delta migrate up"), "{run:?}");
    }
    let newer = "INSERT INTO {} (version, name, serves) VALUES (99, 'from the future', 98)";
    match database.store().await {
        Store::Sqlite(store) => {
            let mut conn = store.acquire(delta::core::Access::Write).await.unwrap();
            let sql = newer.replace("{}", "delta_migration");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap();
        }
        Store::Postgres(store) => {
            let sql = newer.replace("{}", "delta.migration");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
        }
        Store::MySql(store) => {
            let sql = newer.replace("{}", "delta_migration");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
        }
    }
    for command in [&["resource", "list"][..], &["doctor"], &["migrate", "up"], &["migrate", "down", "--to", "0"]] {
        let run = database.run(command);
        assert_eq!(run.code, 4, "{command:?}: {run:?}");
        assert!(run.err.contains("99") && run.err.contains("newer"), "{run:?}");
    }
    let status = database.json(&["migrate", "status"]);
    let newest = status["versions"].as_array().unwrap().last().unwrap();
    assert_eq!(*newest, json!({ "version": 99, "name": "from the future", "applied": true }));
}

async fn the_printed_statements_make_the_schema(database: &Database) {
    database.json(&["migrate", "up"]);
    let sql = database.json(&["migrate", "print"])["sql"].as_str().unwrap().to_owned();
    assert_eq!(database.run(&["migrate", "print"]).out.trim_end(), sql.trim_end());
    database.json(&["migrate", "down", "--to", "0"]);
    match database.store_as_it_is().await {
        Store::Sqlite(store) => {
            let mut conn = store.acquire(delta::core::Access::Write).await.unwrap();
            // Nothing of it may be left from before.
            sqlx::raw_sql("DROP TABLE IF EXISTS delta_migration").execute(&mut *conn).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap();
        }
        Store::Postgres(store) => {
            sqlx::raw_sql("DROP SCHEMA IF EXISTS delta CASCADE").execute(store.pool()).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
        }
        Store::MySql(store) => {
            sqlx::raw_sql("DROP TABLE IF EXISTS delta_migration").execute(store.pool()).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
        }
    }
    assert_eq!(database.run(&["resource", "list"]).code, 0);
}
