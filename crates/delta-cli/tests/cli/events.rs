use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use delta::core::plan::consume::{self, CursorData, Shape, Standing};
use delta::core::{Access, Changeset, Cursor, LogName, Store as _};
use delta::{InformOptions, Position};
use serde_json::Value;

use crate::support::{Database, inform};
use crate::{on_all, with_store};

on_all! {
    the_latest_events_are_printed,
    events_are_chosen_by_kind_namespace_and_event,
    a_follower_sees_what_is_yet_to_come_until_it_is_interrupted,
    a_reader_that_goes_away_is_no_error,
    a_tail_begins_at_a_position_a_time_or_an_age,
    events_are_chosen_by_key_prefix_and_metadata,
    a_log_is_trimmed_up_to_its_slowest_consumer_unless_it_is_forced,
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

async fn a_tail_begins_at_a_position_a_time_or_an_age(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    let all = tail(database, &["--from", "start"]);
    assert_eq!(all.len(), 3);
    let position = all[0]["position"].to_string();
    let at = |index: usize| all[index]["at"].as_str().unwrap();
    // The three are of one commit, and of one time.
    for (from, expected) in [
        (position.as_str(), 2),
        ("head", 0),
        (at(0), 3),
        ("1h", 3),
        ("0s", 0),
        ("2001-01-01T00:00:00Z", 3),
        ("2999-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(tail(database, &["--from", from]), all[3 - expected..], "{from}");
    }
    inform(database, &["d"]).await;
    let last = tail(database, &["-n", "1"]);
    assert_eq!(tail(database, &["--from", last[0]["at"].as_str().unwrap()]), last);
}

async fn events_are_chosen_by_key_prefix_and_metadata(database: &Database) {
    inform(database, &["eu-1", "eu-2", "us-1"]).await;
    with_store!(database, |store| {
        let client = delta::Client::builder(store).build().unwrap();
        let options = InformOptions::new().metadata(serde_json::json!({ "team": "red", "urgent": "yes" }));
        let customer = crate::support::customer("eu-3");
        client.inform(delta::Inform::new(customer).options(options)).await.unwrap();
    });
    let chosen = |arguments: &[&str]| {
        let events = tail(database, &[&["--from", "start"], arguments].concat());
        events.iter().map(|event| event["object_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["--key-prefix", "eu-"]), ["eu-1", "eu-2", "eu-3"]);
    assert_eq!(chosen(&["--metadata", "team=red"]), ["eu-3"]);
    assert_eq!(chosen(&["--metadata", "team=red", "--metadata", "urgent=no"]), [""; 0]);
    assert_eq!(chosen(&["--metadata", "team=red", "--key-prefix", "us-"]), [""; 0]);
    let twice = database.run(&["event", "tail", "--metadata", "team=red", "--metadata", "team=blue"]);
    assert!(twice.code == 2 && twice.err.contains("one value of the metadata \"team\""), "{twice:?}");
}

async fn a_log_is_trimmed_up_to_its_slowest_consumer_unless_it_is_forced(database: &Database) {
    inform(database, &["a", "b", "c", "d", "e"]).await;
    with_store!(database, |store| {
        let log = LogName::own();
        let data = CursorData::new(log.clone(), None, Shape::One);
        let standing = Standing { position: Some(Position::new(2)), data };
        let cursor = standing.into_cursor(Cursor::new(consume::cursor_name(&log, "mailer")));
        let mut conn = store.acquire(Access::Write).await.unwrap();
        let now = store.now(&mut conn).await.unwrap();
        let changes = Changeset { cursors: vec![cursor.put()], ..Changeset::new(now) };
        assert_eq!(store.commit(&mut conn, &changes).await.unwrap().lost_cursor, None);
    });
    let positions = || tail(database, &["--from", "start"]).iter().map(|it| it["position"].clone()).collect::<Vec<_>>();
    let trim = |arguments: &[&str]| database.json(&[&["event", "trim"], arguments].concat());
    assert_eq!(trim(&["--older-than", "1h"])["removed"], 0);
    let trimmed = trim(&["--keep", "1"]);
    assert_eq!((&trimmed["removed"], &trimmed["up_to"]), (&2.into(), &2.into()));
    assert_eq!(trimmed["stopped_by"], serde_json::json!({ "consumer": "mailer", "position": 2 }));
    assert_eq!(positions(), [3, 4, 5]);
    let people = database.run(&["event", "trim", "--up-to", "4"]).out;
    assert!(people.contains("went no further: mailer has handled everything up to 2"), "{people}");
    let forced = trim(&["--up-to", "4", "--force"]);
    assert_eq!((&forced["removed"], &forced["stopped_by"]), (&2.into(), &Value::Null));
    assert_eq!(positions(), [5]);
    assert_eq!(tail(database, &[]).len(), 1, "the latest are found although those before are gone");
    let old = database.run(&["event", "tail", "--from", "3"]);
    assert!(old.code == 2 && old.err.contains("cursor too old"), "{old:?}");
}
