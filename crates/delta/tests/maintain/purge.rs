use std::time::Duration;

use delta::core::plan::Report;
use delta::{
    AnyClient, Client, EventKind, EventQuery, Inform, InformOptions, MemoryStore, NamespaceSettings, ObjectSettings,
    Override, Position, Retention, RetentionSettings,
};

use crate::kit::*;

kinds! {
    Brief = "brief", ObjectSettings::new().inform_interval(None).retention(RetentionSettings {
        deleted: Override::Set(MINUTE),
        degraded: Override::Off,
        synced: Override::Set(HOUR),
    });
}

const DAY: Duration = Duration::from_hours(24);

/// One deleted, one degraded and one synced resource of a kind, in each of two namespaces; all came to rest now.
async fn three<K: Traits>(store: &MemoryStore, client: &AnyClient) {
    for namespace in ["default", "short"] {
        let options = InformOptions::new().namespace(namespace);
        let inform = |id| Inform::new(item::<K>(id)).options(options.clone());
        client.inform(inform("synced")).await.unwrap();
        sync_all(store).await;
        client.inform(inform("degraded")).await.unwrap();
        settle_all(store, &Report::Permanent { message: "no".to_owned() }).await;
        client.inform(inform("deleted")).await.unwrap();
        settle_all(store, &Report::Delete { reason: None }).await;
    }
}

/// What is left, as namespace/kind/id.
async fn left(client: &AnyClient) -> Vec<String> {
    let name = |row: delta::core::Resource| format!("{}/{}/{}", row.key.namespace, row.key.kind, row.key.object_id);
    let mut left: Vec<String> = rows(client).await.into_iter().map(name).collect();
    left.sort();
    left
}

#[tokio::test(start_paused = true)]
async fn by_default_deleted_and_degraded_are_kept_for_a_day_and_synced_forever() {
    let store = store();
    let client = Client::builder(store.clone()).settings(settings().cleaner_interval(HOUR)).build().unwrap();
    three::<Seldom>(&store, &client).await;
    pass(Duration::from_mins(24 * 60 - 1)).await;
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    assert_eq!(left(&client).await.len(), 6);
    running.stop().await;
    pass(MINUTE).await;
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    assert_eq!(left(&client).await, ["default/seldom/synced", "short/seldom/synced"]);
    running.stop().await;
    pass(100 * DAY).await;
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    assert_eq!(left(&client).await.len(), 2);
    running.stop().await;
    let query = EventQuery { after: Position::default(), limit: 1_000, filter: delta::EventFilter::default() };
    let events = client.events(&query).await.unwrap().events;
    assert_eq!(events.iter().filter(|event| event.kind == EventKind::Purged).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn retention_is_the_kinds_else_the_namespaces_else_the_clients() {
    let store = store();
    let short = RetentionSettings { deleted: Override::Off, degraded: Override::Set(HOUR), synced: Override::Inherit };
    let settings = settings().retention(Retention { deleted: Some(2 * HOUR), degraded: None, synced: None });
    let client = Client::builder(store.clone())
        .controller(Scripted(Outside::<Brief>::new(&store)))
        .namespace("short", NamespaceSettings::new().retention(short))
        .settings(settings.cleaner_interval(MINUTE))
        .build()
        .unwrap();
    three::<Brief>(&store, &client).await;
    three::<Seldom>(&store, &client).await;
    let at = async |wait: Duration| {
        pass(wait).await;
        left(&client).await
    };
    let running = client.start().await.unwrap();
    let after_two_minutes = at(2 * MINUTE).await;
    assert_eq!(
        after_two_minutes,
        [
            "default/brief/degraded",
            "default/brief/synced",
            "default/seldom/degraded",
            "default/seldom/deleted",
            "default/seldom/synced",
            "short/brief/degraded",
            "short/brief/synced",
            "short/seldom/degraded",
            "short/seldom/deleted",
            "short/seldom/synced",
        ]
    );
    let after_an_hour = at(HOUR).await;
    assert_eq!(
        after_an_hour,
        [
            "default/brief/degraded",
            "default/seldom/degraded",
            "default/seldom/deleted",
            "default/seldom/synced",
            "short/brief/degraded",
            "short/seldom/deleted",
            "short/seldom/synced",
        ]
    );
    let after_two_hours = at(HOUR).await;
    assert_eq!(
        after_two_hours,
        [
            "default/brief/degraded",
            "default/seldom/degraded",
            "default/seldom/synced",
            "short/brief/degraded",
            "short/seldom/deleted",
            "short/seldom/synced",
        ]
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_purge_goes_on_until_nothing_is_left() {
    let store = store();
    let client = Client::builder(store.clone()).settings(settings().cleaner_batch(7)).build().unwrap();
    client.inform_many((0..100).map(|number| item::<Seldom>(&format!("i{number}")))).await.unwrap();
    settle_all(&store, &Report::Delete { reason: None }).await;
    pass(DAY).await;
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    assert_eq!(left(&client).await, Vec::<String>::new());
    running.stop().await;
}
