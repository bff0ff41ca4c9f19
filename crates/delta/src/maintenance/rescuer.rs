use std::sync::Arc;

use delta_core::{Due, Result, plan};

use crate::engine::Engine;
use crate::maintenance::periods::Lanes;
use crate::maintenance::sweep::sweep;

/// Ends the attempts whose lease is over.
pub(super) async fn rescue(engine: &Arc<Engine>) -> Result<()> {
    sweep(
        engine,
        "rescue",
        |now| Due::Rescue { now },
        Lanes::default(),
        |row, now| {
            let objects = engine.kind_settings(&row.key.kind).event_objects;
            let change = plan::rescue(&row, objects, now).ok()?;
            tracing::warn!(key = %row.key, lease = ?row.lease, "an attempt was lost");
            Some(change)
        },
    )
    .await
}
