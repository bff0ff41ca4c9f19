use std::time::Duration;

use delta::ClientSettings;
use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::kit::{Gated, Item, client, store, wait_until};

#[tokio::test(flavor = "current_thread")]
async fn a_transaction_that_holds_the_log_back_shows_in_the_metric_of_the_leader() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let database = PostgresDatabase::create().await.unwrap();
    let store = store(database.url(), 4).await;
    let settings = ClientSettings::new().maintenance_interval(Duration::from_millis(100));
    let client = client(store.clone(), settings, Gated::opened());
    let running = client.start().await.unwrap();

    let mut transaction = store.begin().await.unwrap();
    let (_, wake) = client.inform_in(&mut transaction, Item { id: "held".into(), value: 1 }).await.unwrap();
    wait_until("the metric says that the log is held back", async || {
        snapshotter.snapshot().into_vec().into_iter().any(|(key, _, _, value)| {
            key.key().name() == "delta_log_held_seconds" && matches!(value, DebugValue::Gauge(age) if age.0 > 0.0)
        })
    })
    .await;
    transaction.rollback().await.unwrap();
    drop(wake);
    running.stop().await;
}
