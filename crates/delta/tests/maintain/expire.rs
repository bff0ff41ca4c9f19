use delta::{
    Client, EventKind, EventQuery, Inform, InformOptions, MemoryStore, NamespaceSettings, ObjectSettings, Position,
    Reason,
};

use crate::kit::*;

kinds! {
    Expiring = "expiring", ObjectSettings::new().inform_interval(None).expiry(HOUR);
    Lasting = "lasting", ObjectSettings::new().inform_interval(None).expiry(None);
}

/// How often a resource was asked to be worked because it expired.
async fn expiries(client: &Client<MemoryStore>, namespace: &str, kind: &str) -> usize {
    let query = EventQuery { after: Position::default(), limit: 10_000, filter: delta::EventFilter::default() };
    let events = client.events(&query).await.unwrap().events;
    let of_lane = |event: &&delta::Event| {
        matches!(&event.subject, delta::core::Subject::Resource { key, .. }
            if key.namespace.as_str() == namespace && key.kind.as_str() == kind)
    };
    events.iter().filter(of_lane).filter(|event| event.kind == EventKind::Scheduled(Reason::Expired)).count()
}

async fn inform_all(client: &Client<MemoryStore>) {
    for namespace in ["default", "short", "never"] {
        let options = InformOptions::new().namespace(namespace);
        client.inform(Inform::new(item::<Expiring>("a")).options(options.clone())).await.unwrap();
        client.inform(Inform::new(item::<Lasting>("a")).options(options.clone())).await.unwrap();
        client.inform(Inform::new(item::<Seldom>("a")).options(options)).await.unwrap();
    }
}

fn builder(store: &MemoryStore) -> delta::Builder<MemoryStore> {
    Client::builder(store.clone())
        .controller(Scripted(Outside::<Expiring>::new(store)))
        .controller(Scripted(Outside::<Lasting>::new(store)))
        .controller(Scripted(Outside::<Seldom>::new(store)))
        .namespace("short", NamespaceSettings::new().expiry(10 * MINUTE))
        .namespace("never", NamespaceSettings::new().expiry(None))
        .settings(settings().poll_interval(10 * SECOND))
}

#[tokio::test(start_paused = true)]
async fn what_is_synced_expires_as_its_kind_says_else_its_namespace() {
    let store = store();
    let client = builder(&store).build().unwrap();
    inform_all(&client).await;
    let running = client.start().await.unwrap();
    pass(65 * MINUTE).await;
    for (namespace, of_seldom) in [("default", 0), ("short", 6), ("never", 0)] {
        assert_eq!(expiries(&client, namespace, "expiring").await, 1, "{namespace}");
        assert_eq!(expiries(&client, namespace, "lasting").await, 0, "{namespace}");
        assert_eq!(expiries(&client, namespace, "seldom").await, of_seldom, "{namespace}");
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_leader_expires_by_the_settings_that_other_clients_have_stored() {
    let store = store();
    let leader = client(&store, &Outside::<Plain>::new(&store));
    let leading = leader.start().await.unwrap();
    pass(MINUTE).await;
    let client = builder(&store).build().unwrap();
    inform_all(&client).await;
    let running = client.start().await.unwrap();
    pass(65 * MINUTE).await;
    assert_eq!(expiries(&client, "never", "expiring").await, 1);
    assert_eq!(expiries(&client, "short", "seldom").await, 6);
    leading.stop().await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_a_batch_expires_in_one_step_and_nothing_twice() {
    let store = store();
    let client = client_with(&store, &Outside::<Plain>::new(&store), settings().cleaner_batch(7));
    let namespace = NamespaceSettings::new().expiry(HOUR);
    let other = Client::builder(store.clone()).namespace("default", namespace).settings(settings()).build().unwrap();
    other.start().await.unwrap().stop().await;
    client.inform_many((0..40).map(|number| item::<Seldom>(&format!("i{number}")))).await.unwrap();
    sync_all(&store).await;
    pass(HOUR + SECOND).await;
    let running = client.start().await.unwrap();
    pass(10 * MINUTE).await;
    assert_eq!(expiries(&client, "default", "seldom").await, 40);
    assert_eq!(row(&client, "i0").await.generation, 2);
    running.stop().await;
}
