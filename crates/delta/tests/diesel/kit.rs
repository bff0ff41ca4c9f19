//! A kind whose worker settles with a row of its own.

use std::time::Duration;

use delta::core::{Depth, ResourceId, Target};
use delta::{
    Action, Client, Controller, Filter, ListQuery, Migrate, Object, ObjectSettings, PgDieselStore, Resource,
    SettleOutcome, State, WorkContext, WorkError,
};
use delta_store_diesel::diesel::result::Error as DieselError;
use delta_store_diesel::diesel_async::{AsyncConnection, SimpleAsyncConnection};
use delta_testkit::database::PostgresDatabase;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
}

impl Item {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned() }
    }
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

/// Why a transaction of a test ends.
#[derive(Debug)]
pub(crate) enum Ended {
    OnPurpose,
    Delta(delta::Error),
    #[expect(dead_code, reason = "shown where a test fails")]
    Diesel(DieselError),
}

impl From<delta::Error> for Ended {
    fn from(error: delta::Error) -> Self {
        Self::Delta(error)
    }
}

impl From<DieselError> for Ended {
    fn from(error: DieselError) -> Self {
        Self::Diesel(error)
    }
}

/// Writes a row of its own, and settles, in one transaction; every first attempt rolls back.
pub(crate) struct Bookkeeper;

impl Controller for Bookkeeper {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        let client: Client<PgDieselStore> = cx.client_of().ok_or_else(|| WorkError::permanent("another store"))?;
        let mut conn = client.store().pool().get().await?;
        let attempt = cx.attempt();
        let written = conn
            .transaction(async |conn| {
                conn.batch_execute(&format!("INSERT INTO book VALUES ('{}', {attempt})", item.object.id)).await?;
                match client.settle_in(conn, item, Action::Synced).await? {
                    SettleOutcome::Settled if attempt > 1 => Ok(()),
                    SettleOutcome::Settled | SettleOutcome::Lost => Err(Ended::OnPurpose),
                }
            })
            .await;
        match written {
            Ok(()) | Err(Ended::OnPurpose) => Ok(Action::Settled),
            Err(other) => Err(WorkError::permanent(format!("{other:?}"))),
        }
    }
}

pub(crate) async fn client(database: &PostgresDatabase) -> Client<PgDieselStore> {
    let store = PgDieselStore::connect(database.url()).await.unwrap();
    store.migrate_to(Target::Latest).await.unwrap();
    store.pool().get().await.unwrap().batch_execute("CREATE TABLE book (item text, attempt bigint)").await.unwrap();
    Client::builder(store).controller(Bookkeeper).build().unwrap()
}

pub(crate) async fn rows(client: &Client<PgDieselStore>) -> Vec<delta::core::Resource> {
    let query = ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 1_000, depth: Depth::Full };
    client.list(&query).await.unwrap()
}

pub(crate) async fn ids(client: &Client<PgDieselStore>) -> Vec<String> {
    rows(client).await.into_iter().map(|row| row.key.object_id.to_string()).collect()
}

pub(crate) async fn wait_until_synced(client: &Client<PgDieselStore>, count: u64) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..3_000 {
        tick.tick().await;
        let counts = client.count(&Filter::default()).await.unwrap();
        if counts.iter().any(|found| found.state == State::Synced && found.count == count) {
            return;
        }
    }
    panic!("not synced within a minute");
}
