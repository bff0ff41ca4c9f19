use delta_store_diesel::diesel_async::{AsyncConnection, SimpleAsyncConnection};
use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

use crate::kit::{Ended, Item, client, ids, rows, wait_until_synced};

#[tokio::test]
async fn an_inform_in_a_transaction_is_true_when_that_commits_and_gone_when_it_does_not() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let client = client(&database).await;
    let mut conn = client.store().pool().get().await.unwrap();

    let informed = conn
        .transaction(async |conn| {
            let (informed, _wake) = client.inform_in(conn, Item::new("gone")).await?;
            assert_eq!(informed.generation, 1);
            Err::<(), _>(Ended::OnPurpose)
        })
        .await;
    assert!(matches!(informed, Err(Ended::OnPurpose)), "{informed:?}");
    assert!(rows(&client).await.is_empty());

    let wake = conn
        .transaction(async |conn| {
            // A savepoint of the caller's that is undone leaves what was before it, and nothing of its own.
            let (_, wake) = client.inform_in(conn, Item::new("kept")).await?;
            let undone = conn
                .transaction(async |conn| {
                    drop(client.inform_in(conn, Item::new("undone")).await?);
                    Err::<(), _>(Ended::OnPurpose)
                })
                .await;
            assert!(matches!(undone, Err(Ended::OnPurpose)), "{undone:?}");
            Ok::<_, Ended>(wake)
        })
        .await
        .unwrap();
    assert_eq!(ids(&client).await, ["kept"]);
    wake.send();
}

#[tokio::test]
async fn a_refused_inform_leaves_the_callers_transaction_usable() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let client = client(&database).await;
    let mut conn = client.store().pool().get().await.unwrap();
    conn.transaction(async |conn| {
        client.inform_in(conn, Item::new("")).await.unwrap_err();
        drop(client.inform_in(conn, Item::new("fine")).await?);
        conn.batch_execute("INSERT INTO book VALUES ('fine', 1)").await?;
        Ok::<_, Ended>(())
    })
    .await
    .unwrap();
    assert_eq!(ids(&client).await, ["fine"]);
}

#[tokio::test]
async fn a_worker_that_settles_in_its_own_transaction_has_its_effect_exactly_once() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let client = client(&database).await;
    client.inform_many((0..10).map(|number| Item::new(&format!("item-{number}")))).await.unwrap();
    let running = client.start().await.unwrap();
    wait_until_synced(&client, 10).await;
    running.stop().await;
    for row in rows(&client).await {
        assert_eq!((row.attempt, row.error_count), (2, 1), "{row:?}");
        assert!(row.detail.unwrap().errors[0].message.contains("settlement was not committed"));
    }
    let mut conn = client.store().pool().get().await.unwrap();
    // Fails unless each item has one row.
    let unique = "CREATE UNIQUE INDEX ON book (item); DO $$ BEGIN ASSERT (SELECT count(*) FROM book) = 10; END $$";
    conn.batch_execute(unique).await.unwrap();
}
