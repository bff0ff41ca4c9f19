use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use delta_core::Result;
use futures::future::BoxFuture;

use crate::clock::sleep;
use crate::engine::Engine;
use crate::maintenance::gauges::Gauges;
use crate::maintenance::{cleaner, expirer, rescuer, trimmer};
use crate::metrics;

/// Does the leader's work until it is dropped.
///
/// The rescuer goes by itself: a long purge does not make a crashed worker's resources wait.
pub(super) async fn hold(engine: Arc<Engine>, term: u64) {
    let settings = &engine.settings;
    let often = settings.maintenance_interval;
    let mut gauges = Gauges::new(&engine, term);
    tokio::join!(
        every("rescue", often.min(settings.lease / 2), || Box::pin(rescuer::rescue(&engine))),
        every("expire", often, || Box::pin(expirer::expire(&engine))),
        every("purge", settings.cleaner_interval, || Box::pin(cleaner::purge(&engine))),
        every("trim", settings.cleaner_interval, || Box::pin(trimmer::trim(&engine))),
        gauges.keep(&engine, often),
    );
}

/// Takes a step again and again. An error of one is told, and the next comes in its time.
pub(super) async fn every<'a>(
    name: &'static str,
    interval: Duration,
    step: impl Fn() -> BoxFuture<'a, Result<()>>,
) -> Infallible {
    loop {
        if let Err(error) = step().await {
            tracing::warn!(step = name, %error, "a step of maintenance failed");
            metrics::error(name, &error);
        }
        sleep(interval).await;
    }
}
