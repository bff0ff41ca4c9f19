use std::sync::Arc;
use std::time::Duration;

use delta_core::{Due, Override, Result, Retention, RetentionSettings, State, plan};

use crate::engine::Engine;
use crate::maintenance::periods::periods;
use crate::maintenance::scopes::Scopes;
use crate::maintenance::sweep::sweep;

/// The states that have a retention, each with where it is set.
type Kept = (State, fn(RetentionSettings) -> Override<Duration>, fn(Retention) -> Option<Duration>);

const KEPT: [Kept; 3] = [
    (State::Deleted, |settings| settings.deleted, |retention| retention.deleted),
    (State::Degraded, |settings| settings.degraded, |retention| retention.degraded),
    (State::Synced, |settings| settings.synced, |retention| retention.synced),
];

/// Removes what is past its retention.
pub(super) async fn purge(engine: &Arc<Engine>) -> Result<()> {
    let scopes = Scopes::of(engine);
    for (state, setting, default) in KEPT {
        let kinds = scopes.kinds.iter().map(|kind| (kind, setting(engine.kind_settings(kind).retention)));
        let namespaces =
            scopes.namespaces.iter().map(|name| (name, setting(engine.namespace_settings(name).retention)));
        for (lanes, period) in periods(kinds, namespaces, default(engine.settings.retention)) {
            let due = |now| Due::Purge { state: state.clone(), since_by: now - period };
            sweep(engine, "purge", due, lanes, |row, now| {
                let objects = engine.kind_settings(&row.key.kind).event_objects;
                plan::purge(&row, engine.retention(&row.key.namespace, &row.key.kind), objects, now).ok()
            })
            .await?;
        }
    }
    Ok(())
}
