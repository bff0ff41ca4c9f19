use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delta_core::{Access, CONSUMER_PREFIX, Change, Changeset, CursorQuery, LogName, Result, ScopeWrite, WakeUpSignal};
use tokio::time::Instant;

use crate::clock::instant;
use crate::engine::Engine;
use crate::{metrics, tasks};

/// How long it is good to know whether there are consumers.
const FRESH: Duration = Duration::from_mins(1);

/// Whether somebody outside of this client may listen to Delta's own log.
///
/// A wake-up of the log costs a statement of its own, and most databases have no consumer at all: it is sent only if a
/// cursor of a consumer is there. That is looked up when something was appended, at most once a minute; and it is known at
/// once when this client reads the log itself, as others that run the same consumers will. Until it is known, consumers of
/// other clients poll.
#[derive(Debug, Default)]
pub(super) struct Outside(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    listens: bool,
    looked: Option<Instant>,
    looking: bool,
}

impl Outside {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this client reads the log itself.
    pub(super) fn reads(&self) {
        let mut known = self.known();
        known.listens = true;
        known.looked = Some(instant());
    }

    fn found(&self, listens: bool) {
        *self.known() = Known { listens, looked: Some(instant()), looking: false };
    }
}

/// Whether a changeset appends events where its changes are applied.
pub(crate) fn appends(changes: &Changeset) -> bool {
    let change = |change: &Change| match change {
        Change::Insert(insert) => !insert.events.is_empty(),
        Change::Update(update) => !update.events.is_empty(),
        Change::Remove(remove) => !remove.events.is_empty(),
        Change::Settle(settle) => !settle.unmoved.events.is_empty() || !settle.moved.events.is_empty(),
        Change::Renew(_) => false,
    };
    changes.changes.iter().any(change)
        || changes.scopes.iter().any(|scope| !matches!(scope.write, ScopeWrite::Settings(_)))
}

impl Engine {
    /// Tells the readers of Delta's own log that a changeset was committed.
    pub(crate) fn committed(self: &Arc<Self>, changes: &Changeset) {
        if appends(changes) {
            self.appended();
        }
    }

    /// Tells the readers of Delta's own log, here and outside, that something was appended.
    pub(crate) fn appended(self: &Arc<Self>) {
        self.logs.tell(&LogName::own());
        let look = {
            let mut known = self.logs.outside.known();
            let stale = known.looked.is_none_or(|looked| instant() - looked >= FRESH);
            let look = stale && !known.looking;
            known.looking |= look;
            if known.listens {
                drop(known);
                self.send([WakeUpSignal::Log(LogName::own())]);
            }
            look
        };
        if look {
            let engine = self.clone();
            tasks::spawn(&self.tasks, async move {
                let listens = engine.has_consumers().await.unwrap_or_else(|error| {
                    metrics::error("log", &error);
                    tracing::debug!(%error, "could not look for consumers of the log: they poll for a minute");
                    false
                });
                engine.logs.outside.found(listens);
                if listens {
                    engine.send([WakeUpSignal::Log(LogName::own())]);
                }
            });
        }
    }

    async fn has_consumers(&self) -> Result<bool> {
        let mut session = self.session(Access::Read).await?;
        let query = CursorQuery::Prefix(format!("{CONSUMER_PREFIX}{}/", LogName::own()));
        let found = session.cursors_dyn(&query).await;
        Self::release(session, found.as_ref().err());
        Ok(!found?.is_empty())
    }
}
