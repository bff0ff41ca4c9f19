use std::time::Instant;

use delta::{Action, Controller, Object, Resource, WorkContext, WorkError};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::clock::now;

/// An object of about 560 bytes that says how often anything was changed before it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Revised {
    id: String,
    revision: u64,
    payload: String,
}

impl Revised {
    pub(super) fn new(number: u64, revision: u64) -> Self {
        Self { id: format!("revised-{number}"), revision, payload: "x".repeat(500) }
    }
}

impl Object for Revised {
    const KIND: &'static str = "revised";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// What becomes of a revision.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    /// It is committed.
    Informed { revision: u64, at: Instant },
    /// Somebody works it.
    Begun { revision: u64, at: Instant },
}

/// Tells when work begins, and does nothing else.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) seen: mpsc::UnboundedSender<Seen>,
}

impl Controller for Worker {
    type Object = Revised;

    async fn work(&self, _: &WorkContext, resource: &Resource<Revised>) -> Result<Action, WorkError> {
        self.seen.send(Seen::Begun { revision: resource.object.revision, at: now() })?;
        Ok(Action::Synced)
    }
}
