use std::sync::Arc;

use delta_core::{Due, Result, plan};

use crate::engine::Engine;
use crate::maintenance::periods::periods;
use crate::maintenance::scopes::Scopes;
use crate::maintenance::sweep::sweep;

/// Has what was synced too long ago worked again.
pub(super) async fn expire(engine: &Arc<Engine>) -> Result<()> {
    let scopes = Scopes::of(engine);
    let kinds = scopes.kinds.iter().map(|kind| (kind, engine.kind_settings(kind).expiry));
    let namespaces = scopes.namespaces.iter().map(|name| (name, engine.namespace_settings(name).expiry));
    for (lanes, period) in periods(kinds, namespaces, None) {
        let due = |now| Due::Expiry { synced_by: now - period };
        sweep(engine, "expire", due, lanes, |row, now| {
            let objects = engine.kind_settings(&row.key.kind).event_objects;
            let expiry = engine.expiry(&row.key.namespace, &row.key.kind)?;
            plan::expire(row, expiry, objects, now).ok()
        })
        .await?;
    }
    Ok(())
}
