//! How an engine is set up.

use clap::ValueEnum;
use serde::Serialize;

/// Which settings an engine runs with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Nothing but what is mandatory is set.
    Defaults,
    /// The best that the engine's own documentation gives.
    Tuned,
}

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scenario {
    /// Enqueue all items by the fastest way that the engine documents, no worker running.
    Enqueue,
    /// Enqueue all items, analyse, start the workers; time until all are finished in the database.
    Drain,
    /// Idle workers; from before the call that enqueues one item until its handler starts.
    Pickup,
}
