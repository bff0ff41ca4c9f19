//! `delta resource …`

mod change;
mod list;
mod show;

use clap::Subcommand;

use self::change::{Change, Chosen};
use self::list::List;
use self::show::Show;
use crate::database::Database;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List resources, page by page.
    List(List),
    /// Show all that is stored about one resource.
    Show(Show),
    /// Have failed and degraded resources tried again at once.
    Retry {
        #[command(flatten)]
        chosen: Chosen,

        /// Give workers a fresh idempotency key, as the outside is to act once more even if the last attempt has acted.
        #[arg(long)]
        fresh_key: bool,
    },
    /// Have synced resources worked again.
    Invalidate(Chosen),
    /// Keep everybody from claiming resources. What is being worked goes on.
    Pause(Chosen),
    /// End a pause.
    Resume(Chosen),
    /// Want objects to be absent: their worker's `delete` is called.
    Delete(Chosen),
    /// Have resources give up: at once if they wait, within a heartbeat if they are being worked.
    Cancel(Chosen),
}

impl Command {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let client = database.client().await?;
        let (change, chosen) = match self {
            Self::List(list) => return list.run(&client, output).await,
            Self::Show(show) => return show.run(&client, output).await,
            Self::Retry { chosen, fresh_key: false } => (Change::Retry(delta::IdempotencyKey::Keep), chosen),
            Self::Retry { chosen, fresh_key: true } => (Change::Retry(delta::IdempotencyKey::Fresh), chosen),
            Self::Invalidate(chosen) => (Change::Invalidate, chosen),
            Self::Pause(chosen) => (Change::Pause, chosen),
            Self::Resume(chosen) => (Change::Resume, chosen),
            Self::Delete(chosen) => (Change::Delete, chosen),
            Self::Cancel(chosen) => (Change::Cancel, chosen),
        };
        change.run(chosen, &client, output).await
    }
}
