use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::on_all;
use crate::support::{Database, inform};

on_all! {
    the_latest_events_are_printed,
    events_are_chosen_by_kind_namespace_and_event,
    a_follower_sees_what_is_yet_to_come_until_it_is_interrupted,
    a_reader_that_goes_away_is_no_error,
}

fn tail(database: &Database, arguments: &[&str]) -> Vec<Value> {
    let run = database.run(&[&["event", "tail", "--json"], arguments].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn the_latest_events_are_printed(database: &Database) {
    let ids: Vec<_> = (0..30).map(|number| format!("c{number:02}")).collect();
    inform(database, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let latest = tail(database, &[]);
    assert_eq!(latest.len(), 20);
    assert_eq!((&latest[0]["object_id"], &latest[19]["object_id"]), (&"c10".into(), &"c29".into()));
    assert_eq!((&latest[0]["event"], &latest[0]["reason"]), (&"object_scheduled".into(), &"created".into()));
    assert_eq!(tail(database, &["-n", "3"]), latest[17..]);
    let after = latest[17]["position"].to_string();
    assert_eq!(tail(database, &["--after", &after]), latest[18..]);
    assert_eq!(tail(database, &["--after", "0"]).len(), 30);
    let people = database.run(&["event", "tail", "-n", "1"]).out;
    assert!(people.contains("object_scheduled(created)") && people.contains("default/customer/c29"), "{people}");
}

async fn events_are_chosen_by_kind_namespace_and_event(database: &Database) {
    inform(database, &["a", "b"]).await;
    database.json(&["resource", "cancel", "default/customer/a"]);
    database.json(&["kind", "pause", "customer"]);
    let count = |arguments: &[&str]| tail(database, arguments).len();
    assert_eq!(count(&["--event", "failed"]), 1);
    assert_eq!(count(&["--event", "object_failed", "--event", "paused"]), 2);
    assert_eq!(count(&["--event", "failed", "-n", "1", "--kind", "customer"]), 1);
    assert_eq!(count(&["--kind", "other"]), 0);
    assert_eq!(count(&["--namespace", "eu", "--event", "scheduled"]), 0);
    let paused = tail(database, &["--event", "paused"]);
    assert_eq!((&paused[0]["kind"], &paused[0]["namespace"]), (&"customer".into(), &Value::Null));
    let unknown = database.run(&["event", "tail", "--event", "exploded"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.err.contains("expected one of scheduled, synced"), "{unknown:?}");
}

async fn a_follower_sees_what_is_yet_to_come_until_it_is_interrupted(database: &Database) {
    inform(database, &["a"]).await;
    let mut command = database.command(&["event", "tail", "--follow", "--json", "-n", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["object_id"].clone();
    assert_eq!(next(), "a");
    inform(database, &["b"]).await;
    assert_eq!(next(), "b");
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

async fn a_reader_that_goes_away_is_no_error(database: &Database) {
    // More than a pipe holds.
    let ids: Vec<_> = (0..2_000).map(|number| format!("customer-{number:04}")).collect();
    inform(database, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut command = database.command(&["event", "tail", "--after", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("customer-0000"), "{line}");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}
