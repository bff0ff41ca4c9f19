//! Runs of informers.

use std::sync::Arc;

use delta_core::{Name, Result};

use crate::client::{AnyClient, InformSummary, ScheduleInform, Stop};
use crate::engine::Engine;

pub(crate) fn start(client: &AnyClient, stop: &Stop) {
    let _ = (client, stop);
}

pub(crate) async fn request(engine: &Arc<Engine>, kind: &Name, request: &ScheduleInform) -> Result<()> {
    let _ = (engine, kind, request);
    Ok(())
}

pub(crate) async fn run_here(client: &AnyClient, kind: &Name, request: &ScheduleInform) -> Result<InformSummary> {
    let _ = (client, kind, request);
    Ok(InformSummary::default())
}
