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
#[expect(clippy::struct_excessive_bools, reason = "one for each flag of the command line")]
pub(crate) struct Options {
    /// Small sizes, and only drain, inform and pickup where nothing else is asked for: about five minutes.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Measures only these scenarios; all by default.
    #[arg(long, value_name = "SCENARIO", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Measures only subjects whose name has one of these parts.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub(crate) subjects: Vec<String>,

    /// Measures only cases with all of these values of parameters, such as `parallelism=1000`.
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',', value_parser = pair)]
    pub(crate) case: Vec<(String, String)>,

    /// How often everything is measured.
    #[arg(long)]
    pub(crate) rounds: Option<usize>,

    /// How many items are drained or informed.
    #[arg(long)]
    pub(crate) items: Option<usize>,

    /// How long the soak takes, which is left out without.
    #[arg(long, value_parser = minutes)]
    pub(crate) minutes: Option<f64>,

    /// How many changes a second the soak informs of.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,

    /// Writes the record here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draws what was found into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) plots: Option<PathBuf>,

    /// Compares the ratios to the limits with those of this record, and fails if one fell.
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,

    /// By how much of itself a ratio may fall.
    #[arg(long, default_value_t = 0.15, requires = "against")]
    pub(crate) tolerance: f64,

    /// Measures the peers as well, as a run does that is not quick.
    #[arg(long, conflicts_with = "no_peers")]
    pub(crate) peers: bool,

    /// Leaves the peers out, as a quick run does.
    #[arg(long)]
    pub(crate) no_peers: bool,

    /// Measures nothing: reads this record, and prints, draws and compares it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "only", "subjects", "case", "rounds", "items"])]
    pub(crate) read: Option<PathBuf>,

    /// Only prints which cases there are.
    #[arg(long)]
    pub(crate) list: bool,

    /// What cargo hands to every bench.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| format!("expected a name and a value as in parallelism=1000, found \"{text}\""))
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.5..=10_000.0).contains(&minutes) => Ok(minutes),
        _ => Err(format!("expected 0.5 to 10000 minutes, found \"{text}\"")),
    }
}
