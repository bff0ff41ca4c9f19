//! A client step by step, and processes that can be killed: what `delta_testkit`'s harness and simulation are made of.
//!
//! Not part of what this crate promises: it may change with any version. Use the harness.

mod process;

use delta_core::{Filter, Lane, Result, Scope, Timestamp};

use crate::action::WorkError;
use crate::client::AnyClient;
use crate::executor::Stepper;
pub use crate::executor::{Fate, Step};
use crate::maintenance;
use crate::settings::ClientSettings;
pub use process::Process;

/// A client that does what a started one does, one step at a time.
#[derive(Debug)]
pub struct Steps {
    client: AnyClient,
    stepper: Stepper,
}

impl Steps {
    /// Prepares the store as a start does.
    pub async fn begin(client: &AnyClient) -> Result<Self> {
        client.prepare().await?;
        Ok(Self { client: client.clone(), stepper: Stepper::new(client) })
    }

    /// Makes one attempt at the resource whose turn it is; `None` if none is due.
    pub async fn work_one(&mut self, fate: Fate) -> Result<Option<Step>> {
        self.stepper.step(fate).await
    }

    /// Takes each of the leader's steps once: rescue, expire, purge, trim.
    pub async fn maintain(&self) -> Result<()> {
        maintenance::once(&self.client.engine).await
    }

    /// When the first of what waits may be claimed by this client.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let engine = &self.client.engine;
        let filter = Filter { namespaces: engine.worked.clone(), kinds: engine.kind_names(), ..Filter::default() };
        let paused: Vec<Scope> =
            self.client.scopes().await?.into_iter().filter(|record| record.paused).map(|record| record.scope).collect();
        let is_paused = |lane: &Lane| {
            paused.contains(&Scope::Kind(lane.kind.clone()))
                || paused.contains(&Scope::Namespace(lane.namespace.clone()))
        };
        let counts = self.client.count(&filter).await?;
        Ok(counts.into_iter().filter(|count| !is_paused(&count.lane)).filter_map(|count| count.oldest_run_at).min())
    }
}

/// These settings, with this seed unless they have one.
#[must_use]
pub fn seeded(settings: ClientSettings, seed: u64) -> ClientSettings {
    ClientSettings { seed: settings.seed.or(Some(seed)), ..settings }
}

/// What is kept of a worker's error.
#[must_use]
pub fn message(error: &WorkError) -> String {
    error.message()
}
