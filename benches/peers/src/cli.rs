//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::mode::{Mode, Scenario};
use crate::scenario::Size;

/// Drives other job queues on Postgres with no-op work. Prints one JSON object; logs go to stderr.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the engines with their versions, one JSON object in a line each.
    List,
    /// Run `graphile_worker`.
    #[command(name = "graphile_worker")]
    GraphileWorker(Run),
    /// Run `apalis` with `apalis-postgres`.
    Apalis(Run),
    /// Run `awa`.
    Awa(Run),
    /// Run `sqlxmq`.
    Sqlxmq(Run),
    /// Run `underway`.
    Underway(Run),
}

/// One run of one engine.
#[derive(Args, Clone, Debug)]
pub(crate) struct Run {
    /// What to measure.
    pub(crate) scenario: Scenario,
    /// A database of a server that nobody else uses; the engine's schema in it is dropped and made anew.
    #[arg(long)]
    pub(crate) url: String,
    /// Which settings to use.
    #[arg(long)]
    pub(crate) mode: Mode,
    /// How many items, in `enqueue` and `drain`.
    #[arg(long, default_value_t = 50_000)]
    pub(crate) items: usize,
    /// Bytes of an item's JSON.
    #[arg(long, default_value_t = 560)]
    pub(crate) payload: usize,
    /// How many items, in `pickup`.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) rounds: usize,
    /// Seconds after which a run has failed.
    #[arg(long, default_value_t = 600)]
    timeout: u64,
}

impl Run {
    /// The sizes alone.
    pub(crate) fn size(&self) -> Size {
        Size { items: self.items, payload: self.payload, rounds: self.rounds }
    }

    /// After which time a run has failed.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}
