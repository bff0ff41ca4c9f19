use std::sync::Arc;

use delta_core::Result;

use crate::client::AnyClient;
use crate::engine::Engine;
use crate::log::TrimEnd;

/// Removes events of Delta's own log that are past their retention and handled by every consumer.
pub(super) async fn trim(engine: &Arc<Engine>) -> Result<()> {
    let Some(trimming) = &engine.trimming else { return Ok(()) };
    let report = trimming.run(AnyClient { engine: engine.clone() }).await?;
    if let TrimEnd::Consumer(slowest) = &report.end {
        let (consumer, position) = (&slowest.consumer, slowest.position);
        tracing::info!(%consumer, %position, "events past their retention are kept, as a consumer has yet to handle them");
    }
    tracing::debug!(events = report.events, up_to = %report.up_to, "trimmed the log");
    Ok(())
}
