use std::time::Duration;

use delta::Client;
use delta::core::{Access, Changeset, ClaimRequest, LeaseToken, Owner, Store as _};
use serde_json::{Value, json};

use crate::support::{Database, Store, inform};
use crate::{on_all, with_store};

on_all! {
    an_idle_database_is_healthy,
    what_is_due_for_too_long_is_a_problem_unless_it_is_paused,
    a_lease_that_nobody_rescues_is_a_problem,
    a_leader_is_named,
}

/// The verdict on a check, and its detail.
fn verdict(report: &Value, check: &str) -> (String, String) {
    let findings = report["findings"].as_array().unwrap();
    let found =
        findings.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("{check}: {report}"));
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("verdict"), text("detail"))
}

/// Runs doctor, and says whether its exit code and its report agree that there is a problem.
fn doctor(database: &Database, arguments: &[&str]) -> Value {
    let run = database.run(&[&["doctor", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    assert_eq!(report["healthy"], run.code == 0, "{run:?}");
    assert!(run.code == 0 || (run.code == 1 && run.err.contains("problem")), "{run:?}");
    report
}

async fn an_idle_database_is_healthy(database: &Database) {
    database.json(&["migrate", "up"]);
    let report = doctor(database, &[]);
    assert_eq!(report["healthy"], true, "{report}");
    for check in ["schema", "clock", "leases", "due", "degraded", "log"] {
        assert_eq!(verdict(&report, check).0, "fine", "{report}");
    }
    assert_eq!(verdict(&report, "leader").0, "note");
    assert!(database.run(&["doctor"]).out.contains("VERDICT"));
}

async fn what_is_due_for_too_long_is_a_problem_unless_it_is_paused(database: &Database) {
    inform(database, &["a"]).await;
    assert_eq!(doctor(database, &[])["healthy"], true);
    let report = doctor(database, &["--patience", "0"]);
    assert_eq!(report["healthy"], false, "{report}");
    let (found, detail) = verdict(&report, "due");
    assert!(found == "problem" && detail.contains("default/customer"), "{report}");
    database.json(&["kind", "pause", "customer"]);
    let report = doctor(database, &["--patience", "0"]);
    assert_eq!(report["healthy"], true, "{report}");
    assert_eq!(verdict(&report, "paused"), ("note".to_owned(), "kind customer".to_owned()));
}

async fn a_lease_that_nobody_rescues_is_a_problem(database: &Database) {
    inform(database, &["a"]).await;
    with_store!(database, |store| {
        let client = Client::builder(store.clone()).build().unwrap();
        let now = client.server_time().await.unwrap();
        let key = delta::Key::new("default", "customer", "a").unwrap();
        let request = ClaimRequest {
            now,
            owner: Owner::new(7),
            base: LeaseToken::new(1),
            until: now + Duration::from_micros(1),
            lanes: vec![(key.lane(), 1)],
        };
        let mut conn = store.acquire(Access::Write).await.unwrap();
        let claimed = store.claim(&mut conn, &Changeset::new(now), &request).await.unwrap();
        assert_eq!(claimed.resources.len(), 1);
    });
    assert_eq!(verdict(&doctor(database, &[]), "leases").0, "note");
    let report = doctor(database, &["--patience", "0"]);
    let (found, detail) = verdict(&report, "leases");
    assert!(found == "problem" && detail.contains("default/customer"), "{report}");
}

async fn a_leader_is_named(database: &Database) {
    with_store!(database, |store| {
        let client = Client::builder(store).build().unwrap();
        let running = client.start().await.unwrap();
        // The report is repeated until the client has been elected.
        let detail = loop {
            let (found, detail) = verdict(&doctor(database, &[]), "leader");
            if found == "fine" {
                break detail;
            }
        };
        assert!(detail.contains("in term 1"), "{detail}");
        running.stop().await;
    });
    assert!(verdict(&doctor(database, &[]), "leader").1.contains("has stopped"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_that_holds_the_log_back_is_named() {
    let Some(database) = Database::postgres().await else { return };
    let Store::Postgres(store) = database.store().await else { unreachable!() };
    inform(&database, &["a"]).await;
    let client = Client::builder(store.clone()).build().unwrap();
    let mut tx = store.begin().await.unwrap();
    let (_, wake) = client.inform_in(&mut tx, crate::support::customer("b")).await.unwrap();
    inform(&database, &["c"]).await;
    let report = doctor(&database, &["--patience", "0"]);
    let held: Vec<_> = report["findings"].as_array().unwrap().iter().filter(|found| found["check"] == "log").collect();
    assert!(held.len() == 2 && held[0]["verdict"] == "note" && held[1]["verdict"] == "problem", "{report}");
    tx.commit().await.unwrap();
    wake.send();
    assert_eq!(verdict(&doctor(&database, &[]), "log"), ("fine".to_owned(), "readable up to its end at 3".to_owned()));
    assert_eq!(doctor(&database, &[])["healthy"], json!(true));
}
