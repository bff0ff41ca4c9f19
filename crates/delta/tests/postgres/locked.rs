use std::time::Duration;

use delta::core::{Access, Depth, Load, LoadBy};
use delta::{ClientSettings, Key, Object, State, Store};
use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

use crate::kit::{Gated, Item, client, rows, store, wait_until, wait_until_synced};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_locked_by_an_open_transaction_delays_nobody_elses_settlement_or_heartbeat() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let store = store(database.url(), 6).await;
    let gated = Gated::closed();
    let lease = Duration::from_secs(2);
    let client = client(store.clone(), ClientSettings::new().lease(lease), gated.clone());
    client.inform_many(Item::many(50)).await.unwrap();
    let running = client.start().await.unwrap();
    gated.wait_until_begun(50).await;

    let mut transaction = store.begin().await.unwrap();
    let key = Key::new("default", Item::KIND, "item-0").unwrap();
    let load = Load { by: LoadBy::Keys(vec![key]), depth: Depth::Head, access: Access::Write };
    assert_eq!(store.load(&mut transaction, &load).await.unwrap().len(), 1);

    // The others are renewed past their first end while the row is locked...
    wait_until("the other leases are renewed", async || {
        let ends: Vec<_> =
            rows(&client).await.into_iter().filter_map(|row| Some((row.key, row.lease?.until))).collect();
        let (_, locked) = ends.iter().find(|(key, _)| key.object_id.as_str() == "item-0").unwrap();
        ends.iter().filter(|(_, until)| until > locked).count() == 49
    })
    .await;
    // ...and settled.
    gated.open();
    wait_until_synced(&client, 49).await;
    transaction.rollback().await.unwrap();
    wait_until_synced(&client, 50).await;
    running.stop().await;
    assert!(rows(&client).await.iter().all(|row| row.state == State::Synced));
}
