use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use delta_core::plan::schedule::{self, InformCursor};
use delta_core::{Access, CursorQuery, Error, ErrorKind, Filter, Lane, LogName, Result, Session, State};
use tokio::time::timeout;

use crate::clock::sleep;
use crate::engine::Engine;
use crate::log::Held;
use crate::metrics;

/// What the leader reports about the whole database. It takes back what it reported when it leads no longer, so that the
/// gauges of all clients add up.
pub(super) struct Gauges {
    resources: BTreeSet<(Lane, State)>,
    due: BTreeSet<Lane>,
    marks: BTreeSet<Lane>,
    held: Arc<Held>,
}

impl Gauges {
    pub(super) fn new(engine: &Engine, term: u64) -> Self {
        metrics::leader_term(term);
        let held = engine.logs.held(&LogName::own());
        Self { resources: BTreeSet::new(), due: BTreeSet::new(), marks: BTreeSet::new(), held }
    }

    /// Counts again and again. Reads the stored settings too: those of other clients' kinds and namespaces.
    pub(super) async fn keep(&mut self, engine: &Arc<Engine>, interval: Duration) -> Infallible {
        loop {
            if let Err(error) = self.count(engine).await {
                tracing::warn!(step = "count", %error, "a step of maintenance failed");
                metrics::error("count", &error);
            }
            sleep(interval).await;
        }
    }

    async fn count(&mut self, engine: &Arc<Engine>) -> Result<()> {
        let mut session = engine.session(Access::Read).await?;
        let Ok(counted) = timeout(engine.settings.cleaner_timeout, self.count_in(engine, &mut *session)).await else {
            session.discard_dyn();
            let what = format!("expected an answer within {:?}, found none", engine.settings.cleaner_timeout);
            return Err(Error::new(ErrorKind::Unavailable, "count", what));
        };
        Engine::release(session, counted.as_ref().err());
        counted
    }

    async fn count_in(&mut self, engine: &Arc<Engine>, session: &mut dyn Session) -> Result<()> {
        let now = engine.now(session).await?;
        engine.policies.replace(session.scopes_dyn().await?, now);
        let counts = session.count_dyn(&Filter::default()).await?;
        let marks = session.cursors_dyn(&CursorQuery::Prefix(schedule::INFORMS.to_owned())).await?;
        let holders = session.log_holders_dyn().await?;
        self.reset();
        self.held.report(&LogName::own(), &holders);
        for count in counts {
            metrics::resources(&count.lane, &count.state, count.count);
            let age = count.oldest_run_at.filter(|at| *at <= now).map(|at| now.since(at));
            if let Some(age) = age {
                metrics::oldest_due(&count.lane, age);
                self.due.insert(count.lane.clone());
            }
            self.resources.insert((count.lane, count.state));
        }
        for mark in marks {
            if let (Some(InformCursor::Mark(kind, namespace)), Some(at)) =
                (InformCursor::parse(&mark.name), schedule::high_water(&mark))
            {
                let lane = Lane { namespace, kind };
                metrics::high_water_age(&lane, now.since(at));
                self.marks.insert(lane);
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        for (lane, state) in std::mem::take(&mut self.resources) {
            metrics::resources(&lane, &state, 0);
        }
        for lane in std::mem::take(&mut self.due) {
            metrics::oldest_due(&lane, Duration::ZERO);
        }
        for lane in std::mem::take(&mut self.marks) {
            metrics::high_water_age(&lane, Duration::ZERO);
        }
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        self.reset();
        metrics::leader_term(0);
        self.held.end(&LogName::own());
    }
}
