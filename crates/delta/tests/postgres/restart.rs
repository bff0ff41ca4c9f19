use std::time::Duration;

use delta::ClientSettings;
use delta_testkit::Backend;
use delta_testkit::database::PostgresServer;
use delta_testkit::record::{self, Proof};

use crate::kit::{Gated, Item, client, rows, store, wait_until_synced};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_killed_and_restarted_in_the_middle_loses_nothing_and_work_goes_on_by_itself() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let server = PostgresServer::start_private(&[]).await.unwrap();
    let store = store(server.url(), 4).await;
    let gated = Gated::closed();
    let settings = ClientSettings::new().lease(Duration::from_secs(5)).maintenance_interval(Duration::from_secs(1));
    let client = client(store, settings, gated.clone());
    client.inform_many(Item::many(500)).await.unwrap();
    let running = client.start().await.unwrap();
    gated.wait_until_begun(200).await;

    server.kill9().unwrap();
    // What ends now cannot be settled before the server is back.
    gated.open();
    assert!(client.inform_many(Item::many(1)).await.unwrap_err().is_transient());
    server.restart().await.unwrap();

    wait_until_synced(&client, 500).await;
    // The wake-ups have come back too, or the poll has taken their place.
    client.inform(Item { id: "late".into(), value: 1 }).await.unwrap();
    wait_until_synced(&client, 501).await;
    running.stop().await;
    assert!(rows(&client).await.iter().all(|row| row.synced_generation == row.generation));
    record::shown("sqlx: Postgres", Proof::DatabaseKilled);
}
