//! What the engines share.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::item::Item;
use crate::mode::{Mode, Scenario};

/// Every setting that is not the engine's default, with its value.
pub(crate) type Settings = BTreeMap<&'static str, String>;

/// What is said of an engine without running it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// Name of the engine, as on the command line.
    pub(crate) name: &'static str,
    /// The crate whose version is the engine's.
    pub(crate) package: &'static str,
    /// SPDX expression of its licence.
    pub(crate) licence: &'static str,
    /// What it keeps of an item, and what it leaves out.
    pub(crate) keeps: &'static str,
    /// The schema that everything of the engine is in, dropped before it is opened; none where opening it sees to that.
    pub(crate) schema: Option<&'static str>,
    /// Whether an item is left that is not finished, in the engine's own tables: one row of one boolean. A parameter,
    /// where there is one, is how many were enqueued.
    pub(crate) unfinished: &'static str,
}

/// One queue, driven through its public API.
///
/// - [`open`](Engine::open) finds a database without the engine's schema and leaves it migrated.
/// - The items of [`enqueue`](Engine::enqueue) are due at once, committed when the call returns, and not worked on
///   before [`start`](Engine::start).
/// - Each item reaches a handler that deserialises it, calls [`work::run`](crate::work::run) and returns success.
/// - Settings differ from the engine's defaults in [`Mode::Tuned`] alone, and each that does is in
///   [`settings`](Engine::settings).
pub(crate) trait Engine: Sized {
    /// What is said of it.
    const ABOUT: About;

    /// Variables of the environment that it reads its settings from when tuned.
    const ENVIRONMENT: &[(&str, &str)] = &[];

    /// Connects, migrates, and makes everything that is made before the workers start.
    async fn open(url: &str, mode: Mode, scenario: Scenario) -> Result<Self>;

    /// What differs from the engine's defaults.
    fn settings(&self) -> Settings;

    /// Enqueues many items by the fastest way that the engine documents.
    async fn enqueue(&self, items: Vec<Item>) -> Result<()>;

    /// Enqueues one item by the plain call.
    async fn enqueue_one(&self, item: Item) -> Result<()>;

    /// Starts the workers and returns; they run until the process ends.
    async fn start(&mut self) -> Result<()>;
}
