use std::time::Duration;

use delta::{ClientSettings, State};
use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

use crate::kit::{Gated, Item, client, rows, store, wait_until_synced};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_burns_no_attempt_and_leaves_nothing_to_the_end_of_a_lease() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let store = store(database.url(), 4).await;
    let stuck = Gated::closed();
    let first = client(store.clone(), ClientSettings::new().grace(Duration::from_millis(200)), stuck.clone());
    first.inform_many(Item::many(500)).await.unwrap();
    let running = first.start().await.unwrap();
    stuck.wait_until_begun(200).await;
    running.stop().await;

    for row in rows(&first).await {
        assert_eq!((&row.state, row.attempt, row.error_count), (&State::Scheduled, 0, 0), "{}", row.key);
        assert_eq!(row.lease, None);
    }

    let second = client(store, ClientSettings::new(), Gated::opened());
    let running = second.start().await.unwrap();
    wait_until_synced(&second, 500).await;
    running.stop().await;
    assert!(rows(&second).await.iter().all(|row| row.attempt == 1));
}
