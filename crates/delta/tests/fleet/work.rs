//! A worker that notes the start and the end of each call.

use std::env;
use std::io::stdin;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use delta::core::{Browse, Store, Timestamp};
use delta::{
    Action, Client, Controller, MySqlDieselStore, MySqlStore, NamespaceSettings, Object, ObjectSettings, PgDieselStore,
    PgStore, Resource, WorkContext, WorkError,
};
use serde::{Deserialize, Serialize};

use crate::calls::Notes;
use crate::stores::StoreName;
use crate::{machine_time, settings};

/// Tells a worker's process where its database is, through which store it goes there, where it notes its calls, and its
/// number.
pub(crate) const URL: &str = "DELTA_FLEET_URL";
pub(crate) const STORE: &str = "DELTA_FLEET_STORE";
pub(crate) const CALLS: &str = "DELTA_FLEET_CALLS";
pub(crate) const PROCESS: &str = "DELTA_FLEET_PROCESS";

/// How many resources one process works at once.
const PARALLELISM: u32 = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) value: u64,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().parallelism(PARALLELISM).inform_interval(None)
    }
}

struct Items {
    notes: Arc<Notes>,
}

/// Notes when a call last did something, however it ends: by its end, or by being dropped.
struct Call {
    number: u64,
    notes: Arc<Notes>,
    last: Timestamp,
}

impl Call {
    /// Works for so long, a little at a time.
    async fn work(&mut self, time: Duration) {
        let mut step = tokio::time::interval(Duration::from_millis(25));
        let end = self.last + time;
        while self.last < end {
            step.tick().await;
            self.last = machine_time();
        }
    }
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
        // From 50 ms to 5 s, the short ones much more often; drawn from the call itself.
        let unit = f64::from(u16::try_from(started.as_micros() % 1_000)?) / 1_000.0;
        call.work(Duration::from_secs_f64(0.05 * 100f64.powf(unit * unit))).await;
        // One attempt in thirty fails, and the next may fail too.
        if (started.as_micros() / 1_000 + cx.attempt()) % 30 == 0 {
            return Err(WorkError::retry("the outside is down"));
        }
        Ok(Action::Synced)
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

/// Works until standard input ends.
pub(crate) async fn run() {
    let url = env::var(URL).unwrap();
    match env::var(STORE).unwrap().parse().unwrap() {
        StoreName::SqlxPostgres => work_on(PgStore::connect(url).await.unwrap()).await,
        StoreName::SqlxMariaDb => work_on(MySqlStore::connect(url).await.unwrap()).await,
        StoreName::DieselPostgres => work_on(PgDieselStore::connect(url).await.unwrap()).await,
        StoreName::DieselMariaDb => work_on(MySqlDieselStore::connect(url).await.unwrap()).await,
    }
}

async fn work_on<S: Store + Browse>(store: S) {
    let process = env::var(PROCESS).unwrap().parse().unwrap();
    let notes = Arc::new(Notes::of(Path::new(&env::var(CALLS).unwrap()), process));
    let namespace = NamespaceSettings::new().max_workers(PARALLELISM);
    let builder = Client::builder(store).settings(settings()).namespace("default", namespace);
    let client = builder.controller(Items { notes }).build().unwrap();
    let running = client.start().await.unwrap();
    tokio::task::spawn_blocking(|| stdin().read_line(&mut String::new())).await.unwrap().unwrap();
    running.stop().await;
}
