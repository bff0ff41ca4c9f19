//! What cannot work, with the exit code and the message that it has.

use std::process::Command;

use crate::support::{Database, Run, garbage};

fn run(arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delta"));
    command.args(arguments).env_remove("DELTA_URL").env_remove("DELTA_SCHEMA");
    Run::of(command)
}

#[test]
fn a_wrong_url_is_refused_with_code_2() {
    for (url, expected) in [
        ("oracle://root:secret@localhost/x", "found the scheme \"oracle\""),
        ("mysql://root:secret@localhost:port/x", "mysql://"),
        ("delta.db", "found no scheme"),
        ("sqlite::memory:", "memory"),
        ("postgres://u:secret@localhost:port/d", "postgres://"),
    ] {
        let run = run(&["resource", "list", "--url", url]);
        assert_eq!(run.code, 2, "{url}: {run:?}");
        assert!(run.err.contains(expected), "{url}: {run:?}");
        assert!(!run.err.contains("secret"), "{run:?}");
    }
    let none = run(&["resource", "list"]);
    assert_eq!(none.code, 2, "{none:?}");
    assert!(none.err.contains("DELTA_URL"), "{none:?}");
}

#[test]
fn an_unreachable_database_is_told_with_code_3_and_without_its_password() {
    for url in
        ["postgres://u:secret@127.0.0.1:1/d", "mysql://u:secret@127.0.0.1:1/d", "mariadb://u:secret@127.0.0.1:1/d"]
    {
        let server = run(&["doctor", "--url", url]);
        assert_eq!(server.code, 3, "{server:?}");
        assert!(!server.err.contains("secret"), "{server:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = run(&["resource", "list", "--url", &format!("sqlite://{}/none.db", directory.path().display())]);
    assert_eq!(file.code, 3, "{file:?}");
    assert!(file.err.contains("none.db") && !directory.path().join("none.db").exists(), "{file:?}");
}

#[test]
fn a_file_that_is_no_database_is_told_with_code_5() {
    let directory = tempfile::tempdir().unwrap();
    let run = run(&["resource", "list", "--url", &garbage(&directory)]);
    assert_eq!(run.code, 5, "{run:?}");
}

#[test]
fn wrong_arguments_are_refused_with_what_was_expected() {
    let Some(database) = Database::sqlite() else { return };
    database.json(&["migrate", "up"]);
    for (arguments, expected) in [
        (&["resource", "list", "--kind", "Customer"][..], "expected at most 64 characters"),
        (&["resource", "list", "--state", "done"], "expected one of scheduled"),
        (&["resource", "list", "--limit", "0"], "1..=10000"),
        (&["resource", "show", "customer"], "expected NAMESPACE/KIND/ID"),
        (&["resource", "show", "default/customer/none"], "found none with that key"),
        (&["resource", "show", "Default/customer/a"], "expected at most 64 characters"),
        (&["event", "tail", "--after=-1"], "expected start, head, a position"),
        (&["event", "tail", "--metadata", "team"], "expected NAME=VALUE"),
        (&["event", "trim"], "--older-than"),
        (&["event", "trim", "--keep", "1", "--up-to", "2"], "cannot be used with"),
        (&["event", "trim", "--up-to", "9"], "found 9"),
        (&["event", "trim", "--older-than", "5"], "expected an age such as 90s"),
        (&["consumer", "show", "a/b"], "visible ASCII characters"),
        (&["consumer", "list", "--column", "name=x"], "expected WHAT=COLUMN"),
        (&["consumer", "reset", "mailer", "--to", "start", "--log", "none of it"], "found none of the name"),
        (&["inform", "customer", "--label", "plan"], "expected KEY=VALUE"),
        (&["inform", "customer", "--after", "yesterday"], "expected a time such as"),
        (&["inform", "customer", "--namespace", "E U"], "expected at most 64 characters"),
        (&["kind", "pause", "a--b"], "expected at most 64 characters"),
        (&["frobnicate"], "unrecognized subcommand"),
    ] {
        let run = database.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert!(run.err.contains(expected), "{arguments:?}: {run:?}");
        assert_eq!(run.out, "", "{arguments:?}");
    }
}

#[test]
fn the_help_tells_the_exit_codes_but_not_the_url() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delta"));
    command.args(["resource", "list", "--help"]).env("DELTA_URL", "postgres://u:secret@h/d");
    let help = Run::of(command);
    assert!(help.code == 0 && help.out.contains("DELTA_URL") && !help.out.contains("secret"), "{help:?}");
    assert!(run(&["--help"]).out.contains("Exit codes:"));
}
