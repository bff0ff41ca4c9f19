use std::sync::atomic::Ordering;
use std::time::Duration;

use delta_core::{Access, CursorQuery, Error, ErrorKind, IMPORT_CURSOR, Result, Scope, ScopeWrite};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::client::AnyClient;
use crate::clock::sleep;
use crate::engine::Engine;
use crate::{executor, informer, maintenance, tasks};

/// The two stages of a stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Begin nothing new.
    pub(crate) soft: CancellationToken,
    /// End what runs: the grace time is over.
    pub(crate) hard: CancellationToken,
    /// The tasks to wait for.
    pub(crate) tasks: TaskTracker,
}

impl Stop {
    /// Waits until what runs is to be ended: `grace` after the stop at the latest.
    pub(crate) async fn over(&self, grace: Duration) {
        self.soft.cancelled().await;
        tokio::select! {
            biased;
            () = self.hard.cancelled() => {}
            () = sleep(grace) => {}
        }
    }
}

/// A started client. Dropping it stops the client in the background, with the same grace time.
#[derive(Debug)]
#[must_use = "dropping it stops the client"]
pub struct Running {
    client: AnyClient,
    stop: Stop,
    _soft_on_drop: DropGuard,
}

impl Running {
    /// Stops: claims nothing more, waits for what runs up to the grace time, then cancels it and gives it back, so that no
    /// attempt is burnt and nothing waits for a lease to end. Returns when all is settled.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the stop goes on in the background.
    pub async fn stop(self) {
        self.stop.soft.cancel();
        self.stop.tasks.wait().await;
        self.client.engine.tasks.close();
        self.client.engine.tasks.wait().await;
        self.client.engine.tasks.reopen();
    }

    /// Waits until the client has stopped by itself. Whatever the store answers, it goes on trying, so that happens only if
    /// a part of it has panicked, which is logged.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn stopped(&self) {
        self.stop.tasks.wait().await;
    }
}

impl AnyClient {
    pub(crate) async fn start(&self) -> Result<Running> {
        let engine = &self.engine;
        self.prepare().await?;
        if engine.running.swap(true, Ordering::AcqRel) {
            return Err(Error::new(ErrorKind::Invalid, "start", "expected a client that is stopped, found it running"));
        }
        let stop = Stop::default();
        executor::start(self, &stop);
        informer::start(self, &stop);
        maintenance::start(self, &stop);
        stop.tasks.close();
        let (ended, engine) = (stop.tasks.clone(), engine.clone());
        tasks::spawn(&self.engine.tasks, async move {
            ended.wait().await;
            engine.running.store(false, Ordering::Release);
        });
        Ok(Running { client: self.clone(), _soft_on_drop: stop.soft.clone().drop_guard(), stop })
    }

    /// Checks the store, sets the clock by it, and stores this client's settings.
    pub(crate) async fn prepare(&self) -> Result<()> {
        let mut session = self.engine.session(Access::Write).await?;
        let result = async {
            session.check_dyn().await?;
            refuse_unfinished_import(&mut *session).await?;
            self.engine.sample_clock(&mut *session).await?;
            self.store_settings(&mut *session).await
        }
        .await;
        Engine::release(session, result.as_ref().err());
        result
    }

    /// Stores the settings of the client's kinds and namespaces where they differ from what is stored.
    async fn store_settings(&self, session: &mut dyn delta_core::Session) -> Result<()> {
        let engine = &self.engine;
        let now = engine.now(session).await?;
        let stored = session.scopes_dyn().await?;
        let encoded = |scope: &Scope, settings: serde_json::Result<String>| {
            settings.map_err(|error| Error::new(ErrorKind::Invalid, format!("settings of {scope}"), error))
        };
        let mut wanted = Vec::new();
        for kind in engine.kinds.values() {
            let scope = Scope::Kind(kind.name.clone());
            wanted.push((encoded(&scope, serde_json::to_string(&kind.settings))?, scope));
        }
        for (name, settings) in &engine.namespaces {
            let scope = Scope::Namespace(name.clone());
            wanted.push((encoded(&scope, serde_json::to_string(settings))?, scope));
        }
        for (settings, scope) in wanted {
            let found = stored.iter().find(|record| record.scope == scope).and_then(|record| record.settings.as_ref());
            if found == Some(&settings) {
                continue;
            }
            if let Some(found) = found {
                tracing::warn!(%scope, before = %found, after = %settings, "settings changed");
            }
            engine.write_scope(session, scope, ScopeWrite::Settings(settings), now).await?;
        }
        let records = session.scopes_dyn().await?;
        engine.policies.replace(records, now);
        Ok(())
    }
}

/// A database that is being filled is not to be worked on, nor written to.
async fn refuse_unfinished_import(session: &mut dyn delta_core::Session) -> Result<()> {
    let cursors = session.cursors_dyn(&CursorQuery::Names(vec![IMPORT_CURSOR.to_owned()])).await?;
    if cursors.iter().all(|import| import.holder.is_none()) {
        return Ok(());
    }
    let what =
        "expected a database that is whole, found one with an import that is not finished: run `delta import` again";
    Err(Error::new(ErrorKind::Unsupported, "start", what))
}
