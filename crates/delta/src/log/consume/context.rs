use std::any::Any;

use delta_core::{LogName, Position};
use tokio_util::sync::CancellationToken;

use crate::client::{AnyClient, Client};

/// What a handler knows beside its events.
#[derive(Clone, Debug)]
pub struct ConsumeContext {
    pub(crate) client: AnyClient,
    pub(crate) log: LogName,
    pub(crate) position: Position,
    pub(crate) attempt: u32,
    pub(crate) cancellation: CancellationToken,
}

impl ConsumeContext {
    /// The client.
    #[must_use]
    pub fn client(&self) -> &AnyClient {
        &self.client
    }

    /// The client with its store's type; `None` if the store is another.
    #[must_use]
    pub fn client_of<S: Any + Clone>(&self) -> Option<Client<S>> {
        self.client.typed()
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &LogName {
        &self.log
    }

    /// The position of the event, or of the first one of the batch.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Which attempt at it this is, from 1; those before a restart count.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Cancelled when the run is to end. What the handler returns after that does not count as failed, and its future is
    /// dropped once the run's grace time is over; the token is for what the handler has spawned or blocks on.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }
}
