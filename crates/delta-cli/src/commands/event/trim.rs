use std::time::Duration;

use clap::Args;
use delta::core::{Access, EventTables, LogEvent};
use delta::{Client, Log, Position, Slowest, Trim, TrimEnd, TrimPast, TrimReport};
use serde_json::json;

use crate::database::{Database, Hearing, with_store};
use crate::failure::Failure;
use crate::log::{Link, LogArguments, Source, read_age};
use crate::output::Output;

#[derive(Args, Debug)]
#[command(after_help = "\
An event that a consumer of the log has yet to handle stays, unless --force says otherwise: a consumer that misses events by \
that fails with \"cursor too old\", and has to begin anew. Consumers that keep their place elsewhere than in Delta's cursors do \
not count.")]
pub(crate) struct TrimArguments {
    #[command(flatten)]
    rule: Rule,

    /// Remove also what consumers have yet to handle.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    log: LogArguments,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Rule {
    /// Remove what is older, such as 90s, 30min, 2h or 7d.
    #[arg(long, value_name = "AGE", value_parser = read_age)]
    older_than: Option<Duration>,

    /// Remove all but the last so many.
    #[arg(long, value_name = "N")]
    keep: Option<u64>,

    /// Remove everything up to a position, that one included.
    #[arg(long, value_name = "POSITION")]
    up_to: Option<Position>,
}

impl Rule {
    fn trim(&self) -> Option<Trim> {
        let older_than = self.older_than.map(Trim::older_than);
        older_than.or_else(|| self.keep.map(Trim::keep)).or_else(|| self.up_to.map(Trim::up_to))
    }
}

impl TrimArguments {
    pub(super) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let store = database.checked(Hearing::Off).await?;
        let report = with_store!(store, |store, _backend| self.trim(store).await)?;
        let done = format!("removed {} events; what is up to {} is gone", report.events, report.up_to);
        let (people, stopped) = match &report.end {
            TrimEnd::Consumer(Slowest { consumer, position }) => {
                let why = format!("{consumer} has handled everything up to {position}, and not what comes next");
                let stopped = json!({ "consumer": consumer, "position": position });
                (format!("{done}\nwent no further: {why}"), stopped)
            }
            TrimEnd::Done | TrimEnd::Archive(_) => (done, json!(null)),
        };
        let programs =
            json!({ "log": self.log.log, "removed": report.events, "up_to": report.up_to, "stopped_by": stopped });
        output.write(people, &programs)
    }

    async fn trim<S: EventTables>(&self, store: S) -> Result<TrimReport, Failure> {
        let mut conn = store.acquire(Access::Read).await?;
        let mut link = Link { store: &store, conn: &mut *conn };
        let source = Source::open(&mut link, &self.log.log, &self.log.columns).await?;
        drop(conn);
        let client = Client::builder(store).build()?;
        match source {
            Source::Own => self.trim_log(&client.log()).await,
            Source::Table(table) => self.trim_log(&client.event_log(*table)?.log()).await,
        }
    }

    async fn trim_log<S: EventTables, E: LogEvent>(&self, log: &Log<S, E>) -> Result<TrimReport, Failure> {
        let Some(trim) = self.rule.trim() else {
            return Err(Failure::Usage("expected one of --older-than, --keep and --up-to, found none".to_owned()));
        };
        let past = if self.force { TrimPast::Consumers } else { TrimPast::Handled };
        Ok(log.trim(trim).past(past).run().await?)
    }
}
