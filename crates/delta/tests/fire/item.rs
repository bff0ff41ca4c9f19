//! What is worked, by a worker that notes the start and the end of each call.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use delta::core::Timestamp;
use delta::{
    Action, Builder, Client, ClientSettings, Controller, NamespaceSettings, Object, ObjectSettings, Resource,
    WorkContext, WorkError,
};
use serde::{Deserialize, Serialize};

use crate::calls::Notes;
use crate::log_kit::place::Place;
use crate::machine_time;

/// Says how many resources one client works at once; 50 by default.
pub(crate) const PARALLELISM: &str = "DELTA_FIRE_PARALLELISM";
/// How many one works of a namespace.
const MAX_WORKERS: u32 = 50;
/// How often a call looks around.
const STEP: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    /// No two requests of one item have the same.
    pub(crate) value: u64,
    pub(crate) takes: Takes,
    /// What makes it large.
    pub(crate) padding: String,
}

/// How long working it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Takes {
    Millis(u64),
    /// Until the gate is open; what the second attempt finds is open.
    UntilOpen,
    /// The first attempt never ends by itself.
    ForEver,
}

impl Item {
    pub(crate) fn new(id: impl Into<String>, value: u64) -> Self {
        Self { id: id.into(), value, takes: Takes::Millis(value % 50), padding: String::new() }
    }

    pub(crate) fn takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        let given = std::env::var(PARALLELISM).map_or(MAX_WORKERS, |given| given.parse().unwrap());
        ObjectSettings::new().parallelism(given).inform_interval(None)
    }
}

pub(crate) struct Items {
    pub(crate) notes: Arc<Notes>,
    /// A file: the gate is open once it is there.
    pub(crate) gate: PathBuf,
}

/// Notes when a call last did something, however it ends: by its end, or by being dropped.
struct Call {
    number: u64,
    notes: Arc<Notes>,
    last: Timestamp,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.notes.end(self.number, self.last);
    }
}

impl Items {
    async fn call(&self, cx: &WorkContext, item: &Resource<Item>, deleted: bool) -> Result<Action, WorkError> {
        let started = machine_time();
        let number = self.notes.start(&item.object.id, item.object.value, deleted, started);
        let mut call = Call { number, notes: self.notes.clone(), last: started };
        let mut step = tokio::time::interval(STEP);
        loop {
            step.tick().await;
            call.last = machine_time();
            let over = match item.object.takes {
                Takes::Millis(time) => call.last >= started + Duration::from_millis(time),
                Takes::UntilOpen => cx.attempt() > 1 || self.gate.exists(),
                Takes::ForEver => cx.attempt() > 1,
            };
            if over {
                return Ok(Action::Synced);
            }
        }
    }
}

impl Controller for Items {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        self.call(cx, item, false).await
    }

    async fn delete(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        self.call(cx, item, true).await
    }
}

/// How clients are set here: everything happens soon.
pub(crate) fn settings() -> ClientSettings {
    ClientSettings::new()
        .lease(Duration::from_secs(2))
        .poll_interval(Duration::from_millis(100))
        .maintenance_interval(Duration::from_millis(500))
}

/// A client that works items.
pub(crate) fn builder<S: Place>(store: S, items: Items) -> Builder<S> {
    let namespace = NamespaceSettings::new().max_workers(MAX_WORKERS);
    Client::builder(store).settings(settings()).namespace("default", namespace).controller(items)
}
