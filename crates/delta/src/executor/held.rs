use std::sync::Arc;
use std::time::Duration;

use delta_core::{Access, Error, ErrorKind, Result, Session, Writers};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::engine::Engine;

/// The connection of pump and heartbeat: one that they keep and share, so that user code that empties the pool cannot
/// starve them. Where a store has but one writer, nobody keeps it, and each use acquires it anew.
pub(crate) struct Held {
    engine: Arc<Engine>,
    kept: Option<Arc<Mutex<Kept>>>,
}

type Kept = Option<Box<dyn Session>>;

impl Held {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let kept = match engine.store.capabilities_dyn().writers {
            Writers::Many => Some(Arc::default()),
            Writers::One => None,
        };
        Self { engine, kept }
    }

    /// Takes the connection for one use. Whoever finds it in use for longer than `patience` gets another from the pool: a
    /// claim that hangs does not keep a heartbeat from being sent.
    ///
    /// # Cancel safety
    ///
    /// A connection whose use was not ended by [`InUse::end`] is thrown away.
    pub(crate) async fn take(&self, patience: Duration) -> Result<InUse> {
        let kept = match &self.kept {
            None => None,
            Some(kept) => timeout(patience, kept.clone().lock_owned()).await.ok(),
        };
        let mut used = InUse { session: None, kept };
        let session = match used.kept.as_mut().and_then(|kept| kept.take()) {
            Some(session) => session,
            None => self.engine.session(Access::Write).await?,
        };
        used.session = Some(session);
        Ok(used)
    }

    /// Takes another connection from the pool, to which it is returned at the end of its use.
    pub(crate) async fn another(&self) -> Result<InUse> {
        Ok(InUse { session: Some(self.engine.session(Access::Write).await?), kept: None })
    }

    /// Whether several connections may write at once.
    pub(crate) fn has_several(&self) -> bool {
        self.kept.is_some()
    }

    /// Returns the kept connection to its pool.
    pub(crate) async fn close(&self) {
        if let Some(kept) = &self.kept {
            kept.lock().await.take();
        }
    }
}

/// A use of the connection.
pub(crate) struct InUse {
    session: Option<Box<dyn Session>>,
    kept: Option<OwnedMutexGuard<Kept>>,
}

impl InUse {
    pub(crate) fn session(&mut self) -> Result<&mut dyn Session> {
        match &mut self.session {
            Some(session) => Ok(&mut **session),
            None => {
                Err(Error::new(ErrorKind::Closed, "use a connection", "expected one, found that its use has ended"))
            }
        }
    }

    /// Ends the use, and keeps the connection unless `error` says that it may be broken.
    pub(crate) fn end(mut self, error: Option<&Error>) {
        let Some(session) = self.session.take() else { return };
        match &mut self.kept {
            Some(kept) if error.is_none() => **kept = Some(session),
            _ => Engine::release(session, error),
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        // Dropped within an operation: nobody knows in which state it is.
        if let Some(session) = self.session.take() {
            session.discard_dyn();
        }
    }
}
