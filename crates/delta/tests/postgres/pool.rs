use std::time::Duration;

use delta::core::Access;
use delta::{ClientSettings, Store};
use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

use crate::kit::{Gated, Item, client, rows, store, wait_until_synced};

#[tokio::test(flavor = "multi_thread")]
async fn with_two_connections_two_hundred_attempts_in_flight_keep_their_leases_for_three_lease_times() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let store = store(database.url(), 2).await;
    let gated = Gated::closed();
    let lease = Duration::from_secs(1);
    let client = client(store.clone(), ClientSettings::new().lease(lease), gated.clone());
    client.inform_many(Item::many(200)).await.unwrap();
    let running = client.start().await.unwrap();
    gated.wait_until_begun(200).await;

    // User code takes all that the pool still gives, as workers that use it would.
    let taken = store.acquire(Access::Write).await.unwrap();
    let three_leases = tokio::time::timeout(3 * lease, std::future::pending::<()>()).await;
    assert!(three_leases.is_err());
    drop(taken);
    gated.open();
    wait_until_synced(&client, 200).await;
    running.stop().await;

    for row in rows(&client).await {
        assert_eq!((row.attempt, row.error_count), (1, 0), "{}: {:?}", row.key, row.detail.unwrap().errors);
    }
    assert_eq!(gated.begun.load(std::sync::atomic::Ordering::SeqCst), 200);
}
