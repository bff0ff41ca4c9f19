use std::sync::Arc;
use std::time::Duration;

use delta_core::{Access, Changeset, Error, ErrorKind, Receipt, Result, Returning, Session, Timestamp};

use crate::clock::instant;
use crate::engine::Engine;

/// How far the time of a row or an event may be off: two clocks drift so far apart in half an hour.
const VAGUE: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes a connection.
    pub(crate) async fn session(&self, access: Access) -> Result<Box<dyn Session>> {
        self.store.acquire_dyn(access).await
    }

    /// Returns a connection, or throws it away if `error` says that it may be broken.
    pub(crate) fn release(session: Box<dyn Session>, error: Option<&Error>) {
        if error.is_some_and(|error| error.kind() == ErrorKind::Unavailable) {
            session.discard_dyn();
        }
    }

    /// Asks the server for its time, and sets the clock by it.
    pub(crate) async fn sample_clock(&self, session: &mut dyn Session) -> Result<()> {
        let asked = instant();
        let server = session.now_dyn().await?;
        self.clock.sample(asked, server, instant());
        Ok(())
    }

    /// The server's time; asks for it if nobody has yet, or so long ago that it may be off by a second.
    pub(crate) async fn now(&self, session: &mut dyn Session) -> Result<Timestamp> {
        if let Some(now) = self.clock.now()
            && self.clock.uncertainty() <= VAGUE
        {
            return Ok(now);
        }
        self.sample_clock(session).await?;
        self.clock.now().ok_or_else(|| Error::new(ErrorKind::Unavailable, "now", "the server's time is not known"))
    }

    /// Whether the server's time is known well enough to hold leases by: to an eighth of one. Asks again in good time.
    pub(crate) async fn is_certain(&self, session: &mut dyn Session) -> Result<bool> {
        let most = self.settings.lease / 8;
        if self.clock.uncertainty() > most / 2 {
            self.sample_clock(session).await?;
        }
        Ok(self.clock.uncertainty() <= most)
    }

    /// Commits a changeset on a connection of Delta's own, and tells subscribers and the readers of the log.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        session: &mut dyn Session,
        changes: &mut Changeset,
    ) -> Result<Receipt> {
        changes.returning = self.returning();
        let receipt = session.commit_dyn(changes).await?;
        self.subscriptions.publish(&receipt.events);
        self.committed(changes);
        Ok(receipt)
    }

    /// Whether receipts need to return events: whether anybody listens.
    pub(crate) fn returning(&self) -> Returning {
        if self.subscriptions.any() { Returning::Events } else { Returning::Outcomes }
    }
}
