use std::fmt;
use std::marker::PhantomData;

use delta::testing::{Steps, seeded};
use delta::{Builder, Client, ClientSettings, Controller, Layer, NamespaceSettings, Result};
use delta_core::Browse;
use delta_store_memory::MemoryStore;

use super::drive::Harness;
use super::recorder::Recorder;
use super::time::VirtualTime;

/// The seed of those who give none.
const SEED: u64 = 1;
/// How many attempts one call may take to bring everything to rest, unless said otherwise.
const PATIENCE: u32 = 10_000;

/// Puts a [`Harness`] together; [`build`](Self::build) checks everything at once.
#[must_use]
pub struct HarnessBuilder<C, S = MemoryStore> {
    client: Builder<S>,
    settings: ClientSettings,
    seed: Option<u64>,
    patience: u32,
    memory: MemoryStore,
    time: VirtualTime,
    controller: PhantomData<fn() -> C>,
}

impl<C, S: Browse> fmt::Debug for HarnessBuilder<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HarnessBuilder").field("client", &self.client).field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl<C: Controller, S: Browse> HarnessBuilder<C, S> {
    /// Begins with a store that is made of one in memory.
    #[track_caller]
    pub(super) fn new(controller: C, store: impl FnOnce(MemoryStore) -> S) -> Self {
        let time = VirtualTime::new();
        let clock = time.clone();
        let memory = MemoryStore::with_clock(move || clock.now());
        Self {
            client: Client::builder(store(memory.clone())).controller(controller),
            settings: ClientSettings::new(),
            seed: None,
            patience: PATIENCE,
            memory,
            time,
            controller: PhantomData,
        }
    }

    /// Adds a controller of another kind, for objects that this one's work informs. The harness works them too.
    pub fn controller<D: Controller>(mut self, controller: D) -> Self {
        self.client = self.client.controller(controller);
        self
    }

    /// Sets the client's settings; [`ClientSettings::default`] by default.
    pub fn settings(mut self, settings: ClientSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Seeds what is random, such as the jitter of back-offs; that of the client's settings by default, else 1. The same
    /// seed gives the same history.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Gives a namespace settings.
    pub fn namespace(mut self, name: impl Into<String>, settings: NamespaceSettings) -> Self {
        self.client = self.client.namespace(name, settings);
        self
    }

    /// Works only those namespaces that were given settings; all, by default.
    pub fn namespaces_only(mut self) -> Self {
        self.client = self.client.namespaces_only();
        self
    }

    /// Adds a layer inside of those that were added before; none by default.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.client = self.client.layer(layer);
        self
    }

    /// How many attempts one [`run_until_idle`](Harness::run_until_idle) may take; 10,000 by default.
    pub fn patience(mut self, attempts: u32) -> Self {
        self.patience = attempts;
        self
    }

    /// Checks everything, and makes the harness. Its client has stored its settings, and is not started.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::build`] and of [`Client::start`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn build(self) -> Result<Harness<C, S>> {
        let settings = match self.seed {
            Some(seed) => self.settings.seed(seed),
            None => seeded(self.settings, SEED),
        };
        self.time.begin().await;
        let recorder = Recorder::new(self.time.clone());
        let client = self.client.settings(settings).layer(recorder.clone()).build()?;
        let steps = Steps::begin(&client).await?;
        Ok(Harness::assemble(client, self.memory, steps, recorder, self.time, self.patience))
    }
}
