//! The servers for tests, tested on Postgres: what they give, and that nothing of them stays.
#![cfg(feature = "database")]
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod database_support;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use database_support::{Copy, ROLE, Worker, is_empty, runs, temporary, wait_until};
use delta_testkit::Backend;
use delta_testkit::database::{DatabaseError, PostgresDatabase, PostgresServer};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn databases(url: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT datname::text FROM pg_database").fetch_all(&mut connect(url).await).await.unwrap()
}

#[tokio::test]
#[ignore = "a role for the processes that other tests start"]
async fn copy_of_this_program() {
    match env::var(ROLE).unwrap().as_str() {
        "serve" => {
            let server = PostgresServer::start_private(&[]).await.unwrap();
            // What a test starts outlives it when it is killed, and must not keep the server.
            let mut worker =
                Command::new("sleep").arg("600").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            println!("says {}", worker.id());
            println!("says {}", server.url());
            worker.wait().unwrap();
        }
        "create" => match PostgresDatabase::create().await {
            Ok(database) => {
                println!("says {}", database.url());
                std::future::pending::<()>().await;
            }
            Err(error) => println!("says {error:?}"),
        },
        role => panic!("no such role: {role}"),
    }
}

#[tokio::test]
async fn two_databases_of_one_server_do_not_see_each_other() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let (one, two) = tokio::join!(PostgresDatabase::create(), PostgresDatabase::create());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.name(), two.name());
    let create = "CREATE TABLE thing (id int)";
    connect(one.url()).await.execute(create).await.unwrap();
    connect(two.url()).await.execute(create).await.unwrap();
}

#[tokio::test]
async fn a_dropped_database_is_gone_though_somebody_is_connected() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let kept = PostgresDatabase::create().await.unwrap();
    let dropped = PostgresDatabase::create().await.unwrap();
    let name = dropped.name();
    assert!(databases(kept.url()).await.contains(&name));
    let mut connection = connect(dropped.url()).await;
    connection.execute("BEGIN").await.unwrap();
    drop(dropped);
    assert!(!databases(kept.url()).await.contains(&name));
}

#[tokio::test(start_paused = true)]
async fn a_database_is_created_while_the_clock_stands_still() {
    if !Backend::Postgres.enabled() {
        return;
    }
    // A stopped clock jumps to the next timer as soon as its runtime has nothing to do.
    let created = tokio::time::timeout(Duration::from_millis(1), PostgresDatabase::create()).await;
    drop(created.expect("the clock moved").unwrap());
}

#[tokio::test]
async fn a_private_server_keeps_its_data_and_its_url_when_it_is_killed_and_restarted() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let server = PostgresServer::start_private(&[]).await.unwrap();
    let url = server.url().to_owned();
    let mut before = connect(&url).await;
    before.execute("CREATE TABLE thing (id int)").await.unwrap();
    before.execute("INSERT INTO thing VALUES (1), (2)").await.unwrap();

    server.kill9().unwrap();
    assert!(before.execute("SELECT 1").await.is_err());
    assert!(PgConnection::connect(&url).await.is_err());

    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM thing").fetch_one(&mut connect(&url).await).await.unwrap();
    assert_eq!(count, 2);
}

#[tokio::test]
async fn a_private_server_stops_and_starts_in_the_middle_of_a_transaction() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let server = PostgresServer::start_private(&[]).await.unwrap();
    let mut open = connect(server.url()).await;
    open.execute("BEGIN; CREATE TABLE thing (id int)").await.unwrap();

    server.stop().await.unwrap();
    assert!(PgConnection::connect(server.url()).await.is_err());
    server.stop().await.unwrap();

    server.restart().await.unwrap();
    server.restart().await.unwrap();
    let mut connection = connect(server.url()).await;
    connection.execute("CREATE TABLE thing (id int)").await.unwrap();
}

#[tokio::test]
async fn a_private_server_has_the_settings_that_it_is_given() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let settings = [("fsync", "on"), ("work_mem", "5MB")];
    let server = PostgresServer::start_private(&settings).await.unwrap();
    for (name, value) in settings {
        let shown: String = sqlx::query_scalar(AssertSqlSafe(format!("SHOW {name}")))
            .fetch_one(&mut connect(server.url()).await)
            .await
            .unwrap();
        assert_eq!(shown, value, "{name}");
    }
}

#[tokio::test]
async fn an_unknown_setting_is_an_error_that_names_it() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let error = PostgresServer::start_private(&[("no_such_setting", "1")]).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Program { .. }), "{error:?}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn a_dropped_private_server_is_gone() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let server = PostgresServer::start_private(&[]).await.unwrap();
    let directory: String =
        sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connect(server.url()).await).await.unwrap();
    let directory = Path::new(&directory).parent().unwrap().to_owned();
    assert!(directory.exists());
    drop(server);
    assert!(!directory.exists());
    assert!(!runs(directory.to_str().unwrap()));
}

#[test]
fn the_server_of_a_killed_process_vanishes() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let directory = temporary();
    let mut copy = Copy::start("serve", &[("TMPDIR", directory.path().as_os_str())]);
    let worker = Worker(copy.says());
    let url = copy.says();
    let authority = url.split_once('@').unwrap().1;
    let address = authority.split_once('/').unwrap().0;
    assert!(TcpStream::connect(address).is_ok());
    assert!(!is_empty(directory.path()));

    copy.kill9();
    wait_until("the server's directory is removed", || is_empty(directory.path()));
    assert!(TcpStream::connect(address).is_err());
    wait_until("its programs end", || !runs(directory.path().to_str().unwrap()));
    // Had the worker ended with its parent, it would have proved nothing.
    assert!(worker.kill());
}

#[test]
fn a_process_killed_while_it_makes_a_server_leaves_nothing() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let directory = temporary();
    let copy = Copy::start("serve", &[("TMPDIR", directory.path().as_os_str())]);
    wait_until("data is being written", || {
        fs::read_dir(directory.path()).unwrap().flatten().any(|entry| entry.path().join("data").join("base").exists())
    });
    copy.kill9();
    wait_until("the directory is removed", || is_empty(directory.path()));
    wait_until("its programs end", || !runs(directory.path().to_str().unwrap()));
    assert!(is_empty(directory.path()));
}

#[tokio::test]
async fn what_a_killed_run_left_on_a_given_server_is_dropped_by_the_next() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let server = PostgresServer::start_private(&[]).await.unwrap();
    let create = || {
        let environment = [("DELTA_TEST_POSTGRES_URL", OsStr::new(server.url()))];
        let mut copy = Copy::start("create", &environment);
        let url = copy.says();
        let name = url.rsplit_once('/').unwrap().1.to_owned();
        (copy, name)
    };
    let (first, left) = create();
    let (_second, used) = create();
    let found = databases(server.url()).await;
    assert!(found.contains(&left) && found.contains(&used), "{found:?}");

    first.kill9();
    let (_third, new) = create();
    let found = databases(server.url()).await;
    assert!(!found.contains(&left), "{found:?}");
    assert!(found.contains(&used) && found.contains(&new), "{found:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error_without_its_password() {
    let error = PostgresDatabase::create_on("postgres://somebody:secret@127.0.0.1:1/postgres").await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error:?}");
    let message = format!("{error:?}");
    assert!(message.contains("postgres://somebody@127.0.0.1:1/postgres"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[tokio::test]
async fn a_url_of_something_else_is_refused() {
    let error = PostgresDatabase::create_on("http://[").await.unwrap_err();
    assert!(matches!(error, DatabaseError::InvalidUrl { .. }), "{error:?}");
}

#[test]
fn a_backend_left_out_is_an_error_to_ask_for_and_is_noted() {
    let record = tempfile::tempdir().unwrap();
    let mut copy = Copy::start(
        "create",
        &[("DELTA_TEST_BACKENDS", OsStr::new("memory,sqlite")), ("DELTA_TEST_RECORD", record.path().as_os_str())],
    );
    let said = copy.says();
    assert!(said.contains("postgres was left out"), "{said}");
    let noted = fs::read_to_string(record.path().join("postgres.left-out")).unwrap();
    assert!(noted.ends_with("::copy_of_this_program\n"), "{noted}");
}
