//! What the leader does: it rescues, expires, purges and trims the log, and counts what there is.
//!
//! Each step is bounded in rows and time, fenced by the versions of what it read, and never waits for a row that another
//! transaction has locked; so two leaders for a while do no harm.

mod cleaner;
mod expirer;
mod gauges;
mod leader;
mod office;
mod periods;
mod rescuer;
mod scopes;
mod sweep;
mod trimmer;

use std::sync::Arc;

use delta_core::Result;

use crate::client::{AnyClient, Stop};
use crate::engine::Engine;
use crate::tasks;

/// Takes part in the election of the leader until the client stops.
pub(crate) fn start(client: &AnyClient, stop: &Stop) {
    tasks::spawn(&stop.tasks, leader::campaign(client.engine.clone(), stop.soft.clone()));
}

/// Takes each step but that of counting once.
pub(crate) async fn once(engine: &Arc<Engine>) -> Result<()> {
    rescuer::rescue(engine).await?;
    expirer::expire(engine).await?;
    cleaner::purge(engine).await?;
    trimmer::trim(engine).await
}
