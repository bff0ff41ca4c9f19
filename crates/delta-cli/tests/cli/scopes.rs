use delta::Client;
use delta::core::{Access, LaneQuery, Names, Store as _};
use serde_json::json;

use crate::support::{Database, inform};
use crate::{on_all, with_store};

on_all! {
    kinds_and_namespaces_are_listed_with_their_resources,
    a_pause_keeps_a_kind_or_a_namespace_from_being_claimed,
}

async fn kinds_and_namespaces_are_listed_with_their_resources(database: &Database) {
    inform(database, &["a", "b"]).await;
    database.json(&["resource", "cancel", "default/customer/b"]);
    for (command, key, name) in [("kind", "kinds", "customer"), ("namespace", "namespaces", "default")] {
        let list = database.json(&[command, "list"]);
        let row = &list[key][0];
        assert_eq!((&row["name"], &row["paused"]), (&json!(name), &json!(false)), "{list}");
        assert_eq!(row["states"], json!({ "scheduled": 1, "degraded": 1 }));
        assert!(row["oldest_run_at"].is_string(), "{list}");
        let people = database.run(&[command, "list"]).out;
        assert!(people.contains("1 scheduled, 1 degraded"), "{people}");
    }
}

/// How many lanes have something to claim now.
async fn claimable(database: &Database) -> usize {
    with_store!(database, |store| {
        let client = Client::builder(store.clone()).build().unwrap();
        let now = client.server_time().await.unwrap();
        let mut conn = store.acquire(Access::Read).await.unwrap();
        let query = LaneQuery { now, namespaces: Names::All, kinds: Names::All };
        store.lanes(&mut conn, &query).await.unwrap().len()
    })
}

async fn a_pause_keeps_a_kind_or_a_namespace_from_being_claimed(database: &Database) {
    inform(database, &["a"]).await;
    for (command, name) in [("kind", "customer"), ("namespace", "default")] {
        assert_eq!(claimable(database).await, 1);
        assert_eq!(database.json(&[command, "pause", name]), json!({ "paused": true }));
        assert_eq!(claimable(database).await, 0);
        assert!(database.run(&[command, "list"]).out.contains("yes"));
        database.json(&[command, "resume", name]);
    }
    assert_eq!(claimable(database).await, 1);
}
