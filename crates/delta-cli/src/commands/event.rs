use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand};
use delta::core::{Scope, Subject};
use delta::{AnyClient, Event, EventFilter, EventKind, EventQuery, Position, Reason};

use crate::database::Database;
use crate::failure::Failure;
use crate::filter::names;
use crate::output::{Format, Output};
use crate::records::EventRecord;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the latest events, or those after a position; with --json, one object for each line.
    Tail(Tail),
}

#[derive(Args, Debug)]
pub(crate) struct Tail {
    /// Go on with those that are yet to come, until Ctrl-C.
    #[arg(long)]
    follow: bool,

    /// Begin after this position; 0 is the beginning of the log.
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,

    /// How many of the latest events to begin with, without --after.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20, conflicts_with = "after")]
    lines: usize,

    /// Only of this kind; may be repeated.
    #[arg(long, value_name = "NAME")]
    kind: Vec<String>,

    /// Only of this namespace; may be repeated.
    #[arg(long, value_name = "NAME")]
    namespace: Vec<String>,

    /// Only this event, such as synced or failed; may be repeated.
    #[arg(long, value_name = "EVENT", value_parser = event_kind)]
    event: Vec<EventKind>,
}

/// How many events are read at once.
const PAGE: u32 = 1_000;
/// How often to look for new events.
const POLL: Duration = Duration::from_millis(500);

impl Command {
    pub(crate) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let Self::Tail(tail) = self;
        tail.run(&database.client().await?, output).await
    }
}

impl Tail {
    async fn run(&self, client: &AnyClient, output: &mut Output) -> Result<(), Failure> {
        let filter = EventFilter {
            event_kinds: (!self.event.is_empty())
                .then(|| self.event.iter().map(|kind| kind.as_str()).collect::<BTreeSet<_>>()),
            namespaces: names(&self.namespace)?,
            kinds: names(&self.kind)?,
            ..EventFilter::default()
        };
        let mut after = match self.after {
            Some(after) => after,
            None => self.latest(client, &filter, output).await?,
        };
        if !self.follow {
            print_to_head(client, &filter, after, output).await?;
            return Ok(());
        }
        let mut tick = tokio::time::interval(POLL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ended = tokio::signal::ctrl_c() => return Ok(ended?),
                _ = tick.tick() => {}
            }
            after = print_to_head(client, &filter, after, output).await?;
            output.finish()?;
        }
    }

    /// Prints the last few events, and tells where they end.
    ///
    /// The log is read forwards only, so it is read from further and further back until there are enough.
    async fn latest(&self, client: &AnyClient, filter: &EventFilter, output: &mut Output) -> Result<Position, Failure> {
        let head = page(client, &EventFilter::default(), Position::START, 1).await?.head.get();
        let mut back = i64::try_from(self.lines).unwrap_or(i64::MAX).max(64);
        loop {
            let from = head.saturating_sub(back).max(0);
            let mut events = std::collections::VecDeque::new();
            let mut after = Position::new(from);
            while after.get() < head {
                let page = page(client, filter, after, PAGE).await?;
                events.extend(page.events.into_iter().filter(|event| event.position.get() <= head));
                // Only the last of them are wanted.
                events.drain(..events.len().saturating_sub(self.lines));
                if page.next <= after {
                    break;
                }
                after = page.next;
            }
            if events.len() >= self.lines || from == 0 {
                for event in &events {
                    print(event, output)?;
                }
                return Ok(Position::new(head));
            }
            back = back.saturating_mul(8);
        }
    }
}

async fn page(
    client: &AnyClient,
    filter: &EventFilter,
    after: Position,
    limit: u32,
) -> Result<delta::EventPage, Failure> {
    Ok(client.events(&EventQuery { after, limit, filter: filter.clone() }).await?)
}

/// Prints all events up to the head as it is now.
async fn print_to_head(
    client: &AnyClient,
    filter: &EventFilter,
    mut after: Position,
    output: &mut Output,
) -> Result<Position, Failure> {
    loop {
        let page = page(client, filter, after, PAGE).await?;
        for event in &page.events {
            print(event, output)?;
        }
        if page.next <= after {
            return Ok(after);
        }
        after = page.next;
        if after >= page.head {
            return Ok(after);
        }
    }
}

fn print(event: &Event, output: &mut Output) -> Result<(), Failure> {
    if output.format() == Format::Json {
        return output.json_line(&EventRecord::new(event));
    }
    let what = match &event.subject {
        Subject::Resource { id, key, state, generation, attempt } => {
            format!("{key} id={id} state={state} generation={generation} attempt={attempt}")
        }
        Subject::Scope(Scope::Kind(name)) => format!("kind {name}"),
        Subject::Scope(Scope::Namespace(name)) => format!("namespace {name}"),
    };
    output.line(format_args!("{:>8}  {}  {:<28} {what}", event.position, event.at, event.kind.to_string()))
}

fn event_kind(text: &str) -> Result<EventKind, String> {
    let all = [
        EventKind::Scheduled(Reason::Created),
        EventKind::Synced,
        EventKind::Failed,
        EventKind::Expired,
        EventKind::Deleted,
        EventKind::Purged,
        EventKind::Paused,
        EventKind::Resumed,
    ];
    let short = |kind: &EventKind| kind.as_str().trim_start_matches("object_");
    all.into_iter().find(|kind| text == kind.as_str() || text == short(kind)).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(short).collect();
        format!("expected one of {}", known.join(", "))
    })
}
