use delta::{
    Action, Client, ClientSettings, Controller, PgStore, Resource, SettleOutcome, State, WorkContext, WorkError,
};
use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;
use sqlx::PgPool;

use crate::kit::{Gated, Item, client, rows, store, wait_until_synced};

#[tokio::test]
async fn an_inform_in_a_transaction_is_true_when_that_commits_and_gone_when_it_does_not() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let store = store(database.url(), 4).await;
    let client = client(store.clone(), ClientSettings::new(), Gated::opened());
    let running = client.start().await.unwrap();

    let mut transaction = store.begin().await.unwrap();
    let (informed, wake) = client.inform_in(&mut transaction, Item { id: "gone".into(), value: 1 }).await.unwrap();
    assert_eq!(informed.generation, 1);
    assert!(rows(&client).await.is_empty());
    transaction.rollback().await.unwrap();
    drop(wake);
    assert!(rows(&client).await.is_empty());

    let mut transaction = store.begin().await.unwrap();
    let (_, wake) = client.inform_in(&mut transaction, Item { id: "kept".into(), value: 1 }).await.unwrap();
    transaction.commit().await.unwrap();
    wake.send();
    wait_until_synced(&client, 1).await;
    running.stop().await;
}

/// Writes a row of its own, and settles, in one transaction.
struct Bookkeeper;

impl Controller for Bookkeeper {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        let client: Client<PgStore> = cx.client_of().ok_or_else(|| WorkError::permanent("another store"))?;
        let mut transaction = client.store().begin().await?;
        let sql = "INSERT INTO book (item, attempt) VALUES ($1, $2)";
        sqlx::query(sql).bind(&item.object.id).bind(cx.attempt()).execute(&mut *transaction).await?;
        match client.settle_in(&mut transaction, item, Action::Synced).await? {
            // Every first attempt forgets to commit.
            SettleOutcome::Settled if cx.attempt() > 1 => transaction.commit().await?,
            SettleOutcome::Settled | SettleOutcome::Lost => transaction.rollback().await?,
        }
        Ok(Action::Settled)
    }
}

#[tokio::test]
async fn a_worker_that_settles_in_its_own_transaction_has_its_effect_exactly_once() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let store = store(database.url(), 4).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    sqlx::query("CREATE TABLE book (item text, attempt bigint)").execute(&pool).await.unwrap();
    let client = client(store, ClientSettings::new(), Bookkeeper);
    client.inform_many(Item::many(20)).await.unwrap();
    let running = client.start().await.unwrap();
    wait_until_synced(&client, 20).await;
    running.stop().await;

    for row in rows(&client).await {
        assert_eq!((&row.state, row.attempt, row.error_count), (&State::Synced, 2, 1));
        assert!(row.detail.unwrap().errors[0].message.contains("settlement was not committed"));
    }
    let effects: Vec<(i64, i64)> =
        sqlx::query_as("SELECT count(*), count(DISTINCT item) FROM book").fetch_all(&pool).await.unwrap();
    assert_eq!(effects, [(20, 20)]);
    pool.close().await;
}
