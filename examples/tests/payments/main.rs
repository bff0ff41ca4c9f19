//! Runs the built example.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

/// The example, which `cargo test` builds before it runs the tests of its package.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/payments");
    assert!(program.is_file(), "expected {}: `cargo build -p delta-examples --examples` builds it", program.display());
    program
}

fn assert_each_is_charged_once(arguments: &[&str]) {
    let mut command = Command::new(program());
    let output = command.args(arguments).stdin(Stdio::null()).env_remove("DELTA_PAYMENTS_URL").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let shown = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(out.contains("each payment was charged exactly once"), "{shown}");
    assert!(out.contains("60 payments, 3 of which it declines"), "{shown}");
    assert!(out.contains("Delta has 57 synced, 3 degraded, 0 others"), "{shown}");
    assert!(out.contains("the card has expired"), "{shown}");
    // The provider was in every mood, or the run has shown nothing.
    for unseen in ["refused 0 as", "failed 0 and", "answers of 0", "did not: 0;"] {
        assert!(!out.contains(unseen), "{unseen}: {shown}");
    }
}

#[test]
fn every_payment_is_charged_once_on_sqlite() {
    if Backend::Sqlite.enabled() {
        assert_each_is_charged_once(&[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_is_charged_once_on_postgres() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap_or_else(|error| panic!("{error}"));
    assert_each_is_charged_once(&["--url", database.url()]);
}
