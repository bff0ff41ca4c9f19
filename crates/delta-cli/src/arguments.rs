use clap::{Parser, Subcommand};

use crate::commands::{consumer, doctor, event, export, import, inform, migrate, resource, scope};
use crate::database::Database;
use crate::failure::{EXIT_CODES, Failure};
use crate::output::{Format, Output};

/// Migrates, shows, repairs, tails and moves a Delta database.
#[derive(Debug, Parser)]
#[command(name = "delta", version, after_help = EXIT_CODES, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) database: Database,

    /// Print JSON instead of a table for people.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the schema up or down, or show where it is.
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Look at resources, and have them worked, retried, paused or deleted.
    #[command(subcommand)]
    Resource(resource::Command),
    /// List kinds of object, and pause or resume them.
    #[command(subcommand)]
    Kind(scope::KindCommand),
    /// List namespaces, and pause or resume them.
    #[command(subcommand)]
    Namespace(scope::NamespaceCommand),
    /// Ask for a run of a kind's informer, by any client that has one.
    Inform(inform::Arguments),
    /// Read the log of events.
    #[command(subcommand)]
    Event(event::Command),
    /// Look at the consumers of logs, move them, and have them try again or pass over what they fail at.
    #[command(subcommand)]
    Consumer(consumer::Command),
    /// Check that the database is in order and that its clients do their work.
    Doctor(doctor::Arguments),
    /// Write all that the database holds to a file, exactly: to keep it, or to move it to another database.
    Export(export::Arguments),
    /// Fill an empty database with what an export holds, exactly.
    Import(import::Arguments),
}

impl Arguments {
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Table }
    }
}

impl Command {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Migrate(command) => command.run(database, output).await,
            Self::Resource(command) => command.run(database, output).await,
            Self::Kind(command) => command.run(database, output).await,
            Self::Namespace(command) => command.run(database, output).await,
            Self::Inform(arguments) => arguments.run(database, output).await,
            Self::Event(command) => command.run(database, output).await,
            Self::Consumer(command) => command.run(database, output).await,
            Self::Doctor(arguments) => arguments.run(database, output).await,
            Self::Export(arguments) => arguments.run(database, output).await,
            Self::Import(arguments) => arguments.run(database, output).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }
}
