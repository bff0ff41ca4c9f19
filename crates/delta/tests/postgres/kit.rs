//! A kind whose attempts wait for a gate, and what the tests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use delta::core::{Depth, ResourceId, Target};
use delta::{
    Action, Client, ClientSettings, Controller, Filter, ListQuery, Migrate, NamespaceSettings, Object, ObjectSettings,
    PgStore, Resource, State, WorkContext, WorkError,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) value: u64,
}

impl Item {
    pub(crate) fn many(count: usize) -> Vec<Self> {
        (0..count).map(|number| Self { id: format!("item-{number}"), value: 0 }).collect()
    }
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().parallelism(200).inform_interval(None)
    }
}

/// Attempts begin, and wait for the gate to open.
#[derive(Clone)]
pub(crate) struct Gated {
    pub(crate) begun: Arc<AtomicUsize>,
    gate: watch::Sender<bool>,
}

impl Gated {
    pub(crate) fn closed() -> Self {
        Self { begun: Arc::default(), gate: watch::Sender::new(false) }
    }

    pub(crate) fn opened() -> Self {
        Self { begun: Arc::default(), gate: watch::Sender::new(true) }
    }

    pub(crate) fn open(&self) {
        self.gate.send_replace(true);
    }

    pub(crate) async fn wait_until_begun(&self, count: usize) {
        wait_until(&format!("{count} attempts have begun"), async || self.begun.load(Ordering::SeqCst) >= count).await;
    }
}

impl Controller for Gated {
    type Object = Item;

    async fn work(&self, _: &WorkContext, _: &Resource<Item>) -> Result<Action, WorkError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.gate.subscribe().wait_for(|open| *open).await?;
        Ok(Action::Synced)
    }
}

pub(crate) async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..3_000 {
        tick.tick().await;
        if condition().await {
            return;
        }
    }
    panic!("not within a minute: {what}");
}

pub(crate) async fn store(url: &str, connections: u32) -> PgStore {
    let store = PgStore::options(url).connections(connections).connect().await.unwrap();
    store.migrate_to(Target::Latest).await.unwrap();
    store
}

pub(crate) fn client<C: Controller>(store: PgStore, settings: ClientSettings, controller: C) -> Client<PgStore> {
    let namespace = NamespaceSettings::new().max_workers(200);
    Client::builder(store).settings(settings).namespace("default", namespace).controller(controller).build().unwrap()
}

pub(crate) async fn rows(client: &Client<PgStore>) -> Vec<delta::core::Resource> {
    let query =
        ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 10_000, depth: Depth::Full };
    client.list(&query).await.unwrap()
}

pub(crate) async fn wait_until_synced(client: &Client<PgStore>, count: usize) {
    wait_until(&format!("{count} resources are synced"), async || {
        // The database may be down while a test waits.
        let counts = client.count(&Filter::default()).await.unwrap_or_default();
        counts.iter().any(|found| found.state == State::Synced && usize::try_from(found.count) == Ok(count))
    })
    .await;
}
