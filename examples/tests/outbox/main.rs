//! Runs the built example.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

/// The example, which `cargo test` builds before it runs the tests of its package.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/outbox");
    assert!(program.is_file(), "expected {}: `cargo build -p delta-examples --examples` builds it", program.display());
    program
}

/// The numbers of a line that begins so.
fn numbers(out: &str, line: &str) -> Vec<u64> {
    let line = out.lines().find_map(|it| it.strip_prefix(line)).unwrap_or_else(|| panic!("{line}: {out}"));
    line.split(|character: char| !character.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// Runs it, with a hundred orders; `before` is what earlier runs have ordered on the same database.
fn assert_sums_agree(url: &str, before: u64) {
    let mut command = Command::new(program());
    let arguments = ["--orders", "100", "--url", url];
    let output = command.args(arguments).stdin(Stdio::null()).env_remove("DELTA_OUTBOX_URL").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let shown = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}");
    // Every tenth order is undone, and every seventh of the others cancelled.
    assert_eq!(numbers(&out, "the service took "), [90, 13, 10], "{shown}");
    let mailer = numbers(&out, "mailer: ");
    assert!(mailer[0] >= 103 && mailer[1] == 2 && mailer[4] == 0, "{shown}");
    assert!(mailer[2] > 0 && mailer[3] > 0 && mailer[2] + mailer[3] == mailer[0], "{shown}");
    let ledger = numbers(&out, "ledger: ");
    assert_eq!((ledger[0], ledger[2]), (103 * (before + 1), 90 * (before + 1)), "{shown}");
    assert!(ledger[1] == ledger[3] && ledger[1] > 0, "{shown}");
    let shipper = numbers(&out, "shipper: ");
    assert!(shipper[1] > 0 && shipper[0] + shipper[1] >= 90 && shipper[2] >= 3 * shipper[1], "{shown}");
    assert!(out.contains("every order was mailed, booked once, and shipped"), "{shown}");
}

#[test]
fn orders_are_booked_exactly_once_and_dead_letters_replayed_on_sqlite() {
    if Backend::Sqlite.enabled() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("outbox.db").display());
        assert_sums_agree(&url, 0);
        assert_sums_agree(&url, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_booked_exactly_once_and_dead_letters_replayed_on_postgres() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap_or_else(|error| panic!("{error}"));
    assert_sums_agree(database.url(), 0);
    assert_sums_agree(database.url(), 1);
}
