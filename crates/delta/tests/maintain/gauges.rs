use std::collections::BTreeMap;

use delta::{Inform, InformOptions};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::kit::*;

/// The gauges as `name{label,label}`.
fn gauges(snapshotter: &Snapshotter) -> BTreeMap<String, String> {
    let value = |(key, _, _, value): (metrics_util::CompositeKey, _, _, DebugValue)| {
        let labels: Vec<&str> = key.key().labels().map(metrics::Label::value).collect();
        match value {
            DebugValue::Gauge(value) => {
                Some((format!("{}{{{}}}", key.key().name(), labels.join(",")), format!("{:.0}", value.0)))
            }
            _ => None,
        }
    };
    snapshotter.snapshot().into_vec().into_iter().filter_map(value).collect()
}

#[tokio::test(start_paused = true)]
async fn the_leader_reports_what_there_is_and_takes_it_back_when_it_resigns() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let store = store();
    let client = client(&store, &Outside::<Plain>::new(&store));
    let eu = InformOptions::new().namespace("eu");
    client.inform_many(["a", "b"].map(item::<Seldom>)).await.unwrap();
    client.inform(Inform::new(item::<Seldom>("c")).options(eu)).await.unwrap();
    overwrite(&store, "inform/mark/seldom/eu", |mark| delta::core::Cursor {
        position: Some((START - HOUR).as_micros().to_string()),
        ..mark
    })
    .await;
    pass(10 * SECOND).await;
    let running = client.start().await.unwrap();
    pass(SECOND).await;
    let found = gauges(&snapshotter);
    assert_eq!(found["delta_resources{default,seldom,scheduled}"], "2");
    assert_eq!(found["delta_resources{eu,seldom,scheduled}"], "1");
    assert_eq!(found["delta_oldest_due_seconds{eu,seldom}"], "10");
    assert_eq!(found["delta_high_water_age_seconds{eu,seldom}"], "3610");
    assert_eq!(found["delta_leader_term{}"], "1");
    assert!(!found.keys().any(|name| name.starts_with("delta_log_held_seconds")), "nobody holds the log back");
    sync_all(&store).await;
    pass(MINUTE).await;
    let found = gauges(&snapshotter);
    assert_eq!(found["delta_resources{default,seldom,scheduled}"], "0");
    assert_eq!(found["delta_resources{default,seldom,synced}"], "2");
    assert_eq!(found["delta_oldest_due_seconds{eu,seldom}"], "0");
    running.stop().await;
    let found = gauges(&snapshotter);
    assert_eq!(found["delta_resources{default,seldom,synced}"], "0");
    assert_eq!(found["delta_leader_term{}"], "0");
}
