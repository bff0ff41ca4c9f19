//! Databases that were recorded with each version of the schema: they are migrated, and read as they were written.
//!
//! A folder of `tests/recorded` is a version of the schema. It has what a database of that version was dumped as on each
//! backend, and the export of what is in it. What a release has recorded is never changed. A new version of the schema is
//! recorded by `cargo test -p delta-cli --test cli record -- --ignored`, with `sqlite3`, `pg_dump` and `mariadb-dump`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use delta::core::{Access, Restore as _, RestoreBatch, State, Store as _};
use delta_store_sqlx::sqlx::{self, AssertSqlSafe, Connection as _, MySqlConnection, PgConnection, SqliteConnection};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::random::content;
use crate::round::give_up;
use crate::support::Database;
use crate::with_store;

const BACKENDS: [&str; 3] = ["sqlite", "postgres", "mariadb"];

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

async fn database(backend: &str) -> Option<Database> {
    match backend {
        "sqlite" => Database::sqlite(),
        "postgres" => Database::postgres().await,
        _ => Database::mariadb().await,
    }
}

/// Loads a dump into an empty database.
async fn load(database: &Database, backend: &str, dump: &str) {
    let statements = AssertSqlSafe(dump.to_owned());
    let loaded = match backend {
        "sqlite" => {
            let url = format!("{}?mode=rwc", database.url);
            sqlx::raw_sql(statements).execute(&mut SqliteConnection::connect(&url).await.unwrap()).await.map(drop)
        }
        "postgres" => {
            sqlx::raw_sql(statements).execute(&mut PgConnection::connect(&database.url).await.unwrap()).await.map(drop)
        }
        _ => {
            let mut conn = MySqlConnection::connect(&database.url).await.unwrap();
            sqlx::raw_sql(statements).execute(&mut conn).await.map(drop)
        }
    };
    loaded.unwrap();
}

/// An export without its first line, which names the source and the time.
fn export(database: &Database) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("export.jsonl");
    let run = database.run(&["export", "--to", file.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    let text = fs::read_to_string(&file).unwrap();
    text.split_once('\n').unwrap().1.to_owned()
}

async fn every_recorded_database_is_migrated_and_read_as_it_was(backend: &str) {
    let mut versions = 0;
    for version in fs::read_dir(recorded()).unwrap() {
        let folder = version.unwrap().path();
        let Some(database) = database(backend).await else { return };
        load(&database, backend, &fs::read_to_string(folder.join(format!("{backend}.sql"))).unwrap()).await;
        database.json(&["migrate", "up"]);
        assert_eq!(export(&database), fs::read_to_string(folder.join("export.jsonl")).unwrap(), "{}", folder.display());
        versions += 1;
    }
    let status = Database::sqlite().map(|fresh| fresh.json(&["migrate", "up"]));
    if let Some(known) = status {
        assert_eq!(known["versions"].as_array().unwrap().len(), versions, "each version of the schema is recorded");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sqlite_recorded_is_migrated_and_read_as_it_was() {
    every_recorded_database_is_migrated_and_read_as_it_was("sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postgres_recorded_is_migrated_and_read_as_it_was() {
    every_recorded_database_is_migrated_and_read_as_it_was("postgres").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mariadb_recorded_is_migrated_and_read_as_it_was() {
    every_recorded_database_is_migrated_and_read_as_it_was("mariadb").await;
}

/// Something of everything; always the same.
fn sample() -> RestoreBatch {
    let mut runner = TestRunner::deterministic();
    loop {
        let batch = content().new_tree(&mut runner).unwrap().current();
        let states = State::KNOWN.iter().all(|state| batch.resources.iter().any(|row| row.state == *state));
        let errors = batch.resources.iter().any(|row| row.detail.iter().any(|detail| detail.errors.len() > 1));
        if states && errors && batch.events.len() > 5 && batch.cursors.len() > 1 && batch.scopes.len() > 1 {
            return batch;
        }
    }
}

/// What a backend's own program says of a database.
fn dump(backend: &str, url: &str) -> String {
    let mut command = match backend {
        "sqlite" => {
            let mut command = Command::new("sqlite3");
            command.args([url.strip_prefix("sqlite://").unwrap(), ".dump"]);
            command
        }
        "postgres" => {
            let mut command = Command::new("pg_dump");
            command.args(["--schema=delta", "--no-owner", "--no-privileges", "--inserts", url]);
            command
        }
        _ => {
            let (user, rest) = url.strip_prefix("mysql://").unwrap().split_once(':').unwrap();
            let (password, rest) = rest.split_once('@').unwrap();
            let (address, name) = rest.split_once('/').unwrap();
            let (host, port) = address.split_once(':').unwrap();
            let mut command = Command::new("mariadb-dump");
            command.args(["--no-tablespaces", "--hex-blob", "--skip-comments", "--complete-insert"]);
            command.args(["-h", host, "-P", port, "-u", user, name]).env("MYSQL_PWD", password);
            command
        }
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut text = String::from_utf8(output.stdout).unwrap();
    // These speak to psql, not to the server.
    for meta in ["\\restrict ", "\\unrestrict "] {
        if let Some((before, after)) = text.split_once(meta) {
            text = format!("{before}{}", after.split_once('\n').unwrap().1);
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "records the newest version of the schema, anew if it was already"]
async fn record() {
    for backend in BACKENDS {
        let database = database(backend).await.unwrap();
        let migrated = database.json(&["migrate", "up"]);
        let folder = recorded().join(migrated["versions"].as_array().unwrap().len().to_string());
        fs::create_dir_all(&folder).unwrap();
        with_store!(database, |store| {
            let mut conn = store.acquire(Access::Write).await.unwrap();
            store.restore(&mut conn, &sample()).await.unwrap();
            drop(conn);
            give_up(&store).await;
            store.close().await;
        });
        fs::write(folder.join("export.jsonl"), export(&database)).unwrap();
        fs::write(folder.join(format!("{backend}.sql")), dump(backend, &database.url)).unwrap();
    }
}
