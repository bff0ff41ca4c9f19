use delta::core::Browse;
use delta::{Action, Client, Controller, Inform, InformOptions, Migrate, Resource, WorkContext, WorkError};
use serde_json::{Value, json};

use crate::support::{Customer, Database, customer, inform};
use crate::{on_all, with_store};

on_all! {
    resources_are_listed_page_by_page,
    a_filter_chooses_resources,
    a_resource_is_shown_with_all_that_is_stored,
    a_change_is_done_or_refused_with_code_2,
    many_are_changed_by_a_filter_after_a_dry_run,
    a_failed_resource_shows_its_errors_and_is_retried,
    another_schema_is_another_delta,
}

fn ids(list: &Value) -> Vec<&str> {
    let resources = list["resources"].as_array().unwrap();
    resources.iter().map(|resource| resource["object_id"].as_str().unwrap()).collect()
}

fn state(database: &Database, id: &str) -> String {
    let shown = database.json(&["resource", "show", &format!("default/customer/{id}")]);
    shown["state"].as_str().unwrap().to_owned()
}

async fn resources_are_listed_page_by_page(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    let first = database.json(&["resource", "list", "--limit", "2"]);
    assert_eq!(ids(&first), ["a", "b"]);
    let next = first["next"].as_i64().unwrap().to_string();
    let second = database.json(&["resource", "list", "--limit", "2", "--after", &next]);
    assert_eq!((ids(&second), &second["next"]), (vec!["c"], &Value::Null));

    let table = database.run(&["resource", "list", "--limit", "2"]);
    let lines: Vec<_> = table.out.lines().collect();
    assert_eq!(lines.len(), 3, "{table:?}");
    assert!(lines[0].contains("RESOURCE") && lines[1].contains("default/customer/a"), "{table:?}");
    assert!(table.err.contains(&format!("--after {next}")), "{table:?}");
}

async fn a_filter_chooses_resources(database: &Database) {
    inform(database, &["a/1", "a/2", "b/1"]).await;
    with_store!(database, |store| {
        let client = Client::builder(store).build().unwrap();
        let options = InformOptions::new().namespace("eu").tags(["vip"]);
        client.inform(Inform::new(customer("c")).options(options)).await.unwrap();
    });
    database.json(&["resource", "pause", "default/customer/b/1"]);
    let chosen = |arguments: &[&str]| {
        let list = database.json(&[&["resource", "list"], arguments].concat());
        ids(&list).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["--prefix", "a/"]), ["a/1", "a/2"]);
    assert_eq!(chosen(&["--namespace", "eu"]), ["c"]);
    assert_eq!(chosen(&["--namespace", "eu", "--namespace", "default"]).len(), 4);
    assert_eq!(chosen(&["--tag", "vip"]), ["c"]);
    assert_eq!(chosen(&["--kind", "other"]), Vec::<String>::new());
    assert_eq!(chosen(&["--state", "synced"]), Vec::<String>::new());
    assert_eq!(chosen(&["--state", "scheduled", "--paused"]), ["b/1"]);
    assert_eq!(chosen(&["--paused=false", "--prefix", "b"]), Vec::<String>::new());
}

async fn a_resource_is_shown_with_all_that_is_stored(database: &Database) {
    with_store!(database, |store| {
        let client = Client::builder(store).build().unwrap();
        let options = InformOptions::new().metadata(json!({ "from": "test" })).tags(["vip"]).priority(1);
        client.inform(Inform::new(customer("a")).options(options)).await.unwrap();
    });
    let shown = database.json(&["resource", "show", "default/customer/a"]);
    assert_eq!(shown["object"], json!({ "id": "a", "email": "a@example.com" }));
    assert_eq!(shown["metadata"], json!({ "from": "test" }));
    assert_eq!((&shown["tags"], &shown["priority"]), (&json!(["vip"]), &json!(1)));
    assert_eq!((&shown["state"], &shown["desired"]), (&json!("scheduled"), &json!("present")));
    assert_eq!(
        (&shown["generation"], &shown["synced_generation"], &shown["lease"]),
        (&json!(1), &json!(0), &Value::Null)
    );
    assert!(shown["created_at"].as_str().unwrap().ends_with('Z'), "{shown}");
    let people = database.run(&["resource", "show", "default/customer/a"]).out;
    for part in ["default/customer/a", "\"email\": \"a@example.com\"", "vip", "0 of 10", "0 "] {
        assert!(people.contains(part), "{part}: {people}");
    }
}

async fn a_change_is_done_or_refused_with_code_2(database: &Database) {
    inform(database, &["a"]).await;
    let a = "default/customer/a";
    assert_eq!(database.json(&["resource", "pause", a]), json!({ "paused": 1, "refused": 0 }));
    assert_eq!(database.json(&["resource", "show", a])["paused"], true);
    database.json(&["resource", "resume", a]);
    assert_eq!(database.json(&["resource", "show", a])["paused"], false);

    let run = database.run(&["resource", "invalidate", a]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("expected a synced resource, found it scheduled"), "{run:?}");
    assert_eq!(database.run(&["resource", "retry", a]).code, 2);
    let missing = database.run(&["resource", "retry", a, "default/customer/none"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.err.contains("2 were refused"), "{missing:?}");

    assert_eq!(database.json(&["resource", "cancel", a]), json!({ "cancelled": 1, "refused": 0 }));
    assert_eq!(state(database, "a"), "degraded");
    let before = database.json(&["resource", "show", a])["generation"].as_i64().unwrap();
    database.json(&["resource", "retry", a]);
    assert_eq!(state(database, "a"), "scheduled");
    database.json(&["resource", "cancel", a]);
    database.json(&["resource", "retry", "--fresh-key", a]);
    assert_eq!(database.json(&["resource", "show", a])["generation"], before + 1);

    database.json(&["resource", "delete", a]);
    let shown = database.json(&["resource", "show", a]);
    assert_eq!((&shown["desired"], &shown["absent_by"]), (&json!("absent"), &json!("request")));
}

async fn many_are_changed_by_a_filter_after_a_dry_run(database: &Database) {
    inform(database, &["a1", "a2", "a3", "b1"]).await;
    database.json(&["resource", "cancel", "--prefix", "a"]);
    let dry = database.json(&["resource", "retry", "--all", "--dry-run"]);
    assert_eq!(dry["matched"], 3, "{dry}");
    assert_eq!(dry["some"][0], "default/customer/a1");
    assert_eq!(state(database, "a1"), "degraded");
    assert_eq!(database.json(&["resource", "retry", "--prefix", "a3"]), json!({ "retried": 1, "refused": 0 }));
    assert_eq!(database.run(&["resource", "retry", "--all"]).out, "retried 2\n");
    assert_eq!(["a1", "a2", "a3", "b1"].map(|id| state(database, id)), ["scheduled"; 4]);
    let nothing = database.run(&["resource", "retry"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(nothing.err.contains("--all"), "{nothing:?}");
}

struct Refuses;

impl Controller for Refuses {
    type Object = Customer;

    async fn work(&self, _: &WorkContext, _: &Resource<Customer>) -> Result<Action, WorkError> {
        Err(WorkError::permanent("the service says no"))
    }
}

async fn work_until_degraded<S: Browse + Migrate>(store: S) {
    let client = Client::builder(store).controller(Refuses).build().unwrap();
    let mut failed = client.subscribe([delta::EventKind::Failed]);
    let running = client.start().await.unwrap();
    client.inform(customer("a")).await.unwrap();
    failed.recv().await.unwrap();
    running.stop().await;
}

async fn a_failed_resource_shows_its_errors_and_is_retried(database: &Database) {
    with_store!(database, |store| work_until_degraded(store).await);
    let a = "default/customer/a";
    let shown = database.json(&["resource", "show", a]);
    assert_eq!((&shown["state"], &shown["error_count"]), (&json!("degraded"), &json!(1)));
    assert_eq!(shown["errors"][0]["message"], "the service says no");
    assert_eq!(shown["errors"][0]["attempt"], 1);
    assert!(database.run(&["resource", "show", a]).out.contains("the service says no"));
    database.json(&["resource", "retry", "--state", "degraded"]);
    let shown = database.json(&["resource", "show", a]);
    assert_eq!((&shown["state"], &shown["attempt"]), (&json!("scheduled"), &json!(0)));
}

async fn another_schema_is_another_delta(database: &Database) {
    inform(database, &["a"]).await;
    assert_eq!(database.run(&["resource", "list", "--schema", "other"]).code, 4);
    database.json(&["migrate", "up", "--schema", "other"]);
    assert_eq!(ids(&database.json(&["resource", "list", "--schema", "other"])), Vec::<&str>::new());
    assert_eq!(ids(&database.json(&["resource", "list"])), ["a"]);
    let wrong = database.run(&["resource", "list", "--schema", "drop table"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}
