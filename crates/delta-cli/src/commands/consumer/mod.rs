//! `delta consumer …`

mod change;
mod list;
mod replay;
mod reset;
mod show;
mod skip;

use clap::Subcommand;

use self::list::List;
use self::replay::Replay;
use self::reset::Reset;
use self::show::Show;
use self::skip::Skip;
use crate::database::{Database, Hearing, with_store};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List consumers: where they are, how far behind, and who runs them.
    List(List),
    /// Show one consumer, with what has failed and its last dead letters.
    Show(Show),
    /// Move a consumer to another place of its log, also backwards.
    Reset(Reset),
    /// Have a consumer pass one event over, and record it as a dead letter that is resolved.
    Skip(Skip),
    /// Have a consumer try again what it gave up on.
    Replay(Replay),
}

impl Command {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let store = database.checked(Hearing::Off).await?;
        with_store!(store, |store, _backend| match self {
            Self::List(list) => list.run(&store, output).await,
            Self::Show(show) => show.run(&store, output).await,
            Self::Reset(reset) => reset.run(&store, output).await,
            Self::Skip(skip) => skip.run(&store, output).await,
            Self::Replay(replay) => replay.run(&store, output).await,
        })
    }
}
