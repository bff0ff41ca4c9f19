use clap::Args;
use delta::core::{Depth, Resource};
use delta::{AnyClient, Error, ErrorKind, Filter, IdempotencyKey, Key, ListQuery, Pausable, ResourceId, State};
use serde_json::json;

use super::show::key;
use crate::failure::Failure;
use crate::filter::FilterArguments;
use crate::output::{Output, table};

/// Which resources a change is for: some by name, or all that fit.
#[derive(Args, Debug)]
pub(crate) struct Chosen {
    /// The resources, as `resource list` names them: NAMESPACE/KIND/ID.
    #[arg(value_name = "RESOURCE", value_parser = key, conflicts_with_all = ["FilterArguments", "all", "dry_run"])]
    resources: Vec<Key>,

    #[command(flatten)]
    filter: FilterArguments,

    /// All that the change applies to.
    #[arg(long)]
    all: bool,

    /// Count and show the resources that fit, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Retry(IdempotencyKey),
    Invalidate,
    Pause,
    Resume,
    Delete,
    Cancel,
}

/// What became of many changes.
#[derive(Debug, Default)]
struct Tally {
    done: u64,
    refused: u64,
    first: Option<Error>,
}

/// How many resources are listed at once.
const PAGE: u32 = 1_000;
/// How many a dry run shows.
const SHOWN: usize = 20;

impl Change {
    pub(super) async fn run(self, chosen: &Chosen, client: &AnyClient, output: &mut Output) -> Result<(), Failure> {
        if !chosen.resources.is_empty() {
            return self.apply_to_named(&chosen.resources, client, output).await;
        }
        if !chosen.all && !chosen.filter.is_given() {
            let message = "expected resources, or options that choose some, or --all; found none of them";
            return Err(Failure::Usage(message.to_owned()));
        }
        let filter = self.narrow(chosen.filter.filter()?);
        if chosen.dry_run {
            return Self::show(filter, client, output).await;
        }
        self.apply_to_all(filter, client, output).await
    }

    async fn apply_to_named(self, keys: &[Key], client: &AnyClient, output: &mut Output) -> Result<(), Failure> {
        let mut tally = Tally::default();
        for key in keys {
            tally.count(self.apply(key, client).await)?;
        }
        tally.report(self, output)?;
        match tally.first {
            // One refusal is told as it is.
            Some(first) if tally.refused == 1 => Err(Failure::Delta(first)),
            Some(first) => Err(Failure::Refused { refused: tally.refused, first: first.to_string() }),
            None => Ok(()),
        }
    }

    /// Applies it page by page. A resource that has moved on since it was listed refuses the change, which is no failure:
    /// it no longer fits.
    async fn apply_to_all(self, filter: Filter, client: &AnyClient, output: &mut Output) -> Result<(), Failure> {
        let mut tally = Tally::default();
        let mut query = ListQuery { filter, after: ResourceId::default(), limit: PAGE, depth: Depth::Head };
        loop {
            let page = client.list(&query).await?;
            let Some(last) = page.last() else { break };
            query.after = last.id;
            for row in &page {
                tally.count(self.apply(&row.key, client).await)?;
            }
        }
        tally.report(self, output)
    }

    async fn apply(self, key: &Key, client: &AnyClient) -> Result<(), Error> {
        match self {
            Self::Retry(idempotency_key) => client.retry(key, idempotency_key).await,
            Self::Invalidate => client.invalidate(key).await,
            Self::Pause => client.pause(&Pausable::Resource(key.clone())).await,
            Self::Resume => client.resume(&Pausable::Resource(key.clone())).await,
            Self::Delete => client.delete(key).await,
            Self::Cancel => client.cancel(key).await,
        }
    }

    /// Leaves out what the change does not apply to.
    fn narrow(self, mut filter: Filter) -> Filter {
        match self {
            Self::Pause => filter.paused = Some(false),
            Self::Resume => filter.paused = Some(true),
            _ => {}
        }
        let applies: &[State] = match self {
            Self::Retry(_) => &[State::Failed, State::Degraded],
            Self::Invalidate => &[State::Synced],
            Self::Cancel => &[State::Scheduled, State::Pending, State::Failed, State::Expired],
            Self::Delete => {
                &[State::Scheduled, State::Pending, State::Synced, State::Expired, State::Failed, State::Degraded]
            }
            Self::Pause | Self::Resume => return filter,
        };
        if filter.states.is_empty() {
            filter.states = applies.to_vec();
        }
        filter
    }

    fn done(self) -> &'static str {
        match self {
            Self::Retry(_) => "retried",
            Self::Invalidate => "invalidated",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Delete => "deleted",
            Self::Cancel => "cancelled",
        }
    }

    async fn show(filter: Filter, client: &AnyClient, output: &mut Output) -> Result<(), Failure> {
        let count: u64 = client.count(&filter).await?.iter().map(|count| count.count).sum();
        let limit = u32::try_from(SHOWN).unwrap_or(u32::MAX);
        let query = ListQuery { filter, after: ResourceId::default(), limit, depth: Depth::Head };
        let some = client.list(&query).await?;
        let rows = some.iter().map(|row: &Resource| [row.id.to_string(), row.key.to_string(), row.state.to_string()]);
        let people = format!("{count} resources fit\n{}", table(["ID", "RESOURCE", "STATE"], rows));
        let names: Vec<_> = some.iter().map(|row| row.key.to_string()).collect();
        output.write(people.trim_end(), &json!({ "dry_run": true, "matched": count, "some": names }))
    }
}

impl Tally {
    /// Counts a change; only a refusal of it lets the rest go on.
    fn count(&mut self, result: Result<(), Error>) -> Result<(), Failure> {
        match result {
            Ok(()) => self.done += 1,
            Err(error) if error.kind() == ErrorKind::Invalid => {
                self.refused += 1;
                self.first.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn report(&self, change: Change, output: &mut Output) -> Result<(), Failure> {
        let Self { done, refused, .. } = self;
        let people = match refused {
            0 => format!("{} {done}", change.done()),
            _ => format!("{} {done}, refused {refused}", change.done()),
        };
        output.write(people, &json!({ change.done(): done, "refused": refused }))
    }
}
