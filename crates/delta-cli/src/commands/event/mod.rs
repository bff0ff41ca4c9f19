//! `delta event …`

mod filter;
mod print;
mod tail;
mod trim;

use clap::Subcommand;

use self::tail::Tail;
use self::trim::TrimArguments;
use crate::database::Database;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the latest events, or those from a place on; with --json, one object for each line.
    Tail(Tail),
    /// Remove the oldest events of a log, up to the slowest of its consumers.
    Trim(TrimArguments),
}

impl Command {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Tail(tail) => tail.run(database, output).await,
            Self::Trim(trim) => trim.run(database, output).await,
        }
    }
}
