use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::server::Backend;

/// Measures Delta beside the limits of its databases.
#[derive(Debug, Parser)]
#[command(name = "delta-load", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Works a database until the standard input ends: one of several processes.
    #[command(hide = true)]
    Worker(Worker),
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[arg(long)]
    pub(crate) backend: Backend,
    #[arg(long)]
    pub(crate) url: String,
    #[arg(long)]
    pub(crate) parallelism: Option<u32>,
}

/// What to measure, and what to make of it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Small sizes: a whole run in about five minutes.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Measures only these scenarios.
    #[arg(long, value_name = "SCENARIO", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Measures only subjects whose name has one of these parts.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub(crate) subjects: Vec<String>,

    /// How often everything is measured.
    #[arg(long)]
    pub(crate) rounds: Option<usize>,

    /// How many items are drained or informed.
    #[arg(long)]
    pub(crate) items: Option<usize>,

    /// Writes the record here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Only prints which cases there are.
    #[arg(long)]
    pub(crate) list: bool,

    /// What cargo hands to every bench.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}
