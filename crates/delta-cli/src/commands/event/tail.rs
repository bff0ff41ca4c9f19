use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use delta::core::{Access, EventTables};
use delta::{Client, ClientSettings, EventFilter, EventPage, EventQuery, Position};
use futures::StreamExt as _;

use crate::commands::event::filter::EventFilterArguments;
use crate::commands::event::print::print;
use crate::database::{Database, Hearing, with_store};
use crate::failure::Failure;
use crate::log::{Link, Place, Source};
use crate::output::Output;

#[derive(Args, Debug)]
pub(crate) struct Tail {
    /// Go on with those that are yet to come, until Ctrl-C.
    #[arg(long)]
    follow: bool,

    /// Begin behind a position, at a time (RFC 3339), or with what is no older than an age (2h); `start` is the beginning
    /// of the log, `head` its end.
    #[arg(long, alias = "after", value_name = "PLACE", value_parser = Place::parse)]
    from: Option<Place>,

    /// How many of the latest events to begin with, without --from.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20, conflicts_with = "from")]
    lines: usize,

    #[command(flatten)]
    filter: EventFilterArguments,
}

/// How many events are read at once.
const PAGE: u32 = 1_000;
/// How many events are printed at most before they are made to be seen.
const CHUNK: usize = 1_000;
/// How often to look for new events that nothing told of.
const POLL: Duration = Duration::from_millis(500);

impl Tail {
    pub(super) async fn run(&self, database: &Database, output: &mut Output) -> Result<(), Failure> {
        let hearing = if self.follow { Hearing::On } else { Hearing::Off };
        with_store!(database.checked(hearing).await?, |store, _backend| self.tail(store, output).await)
    }

    async fn tail<S: EventTables>(&self, store: S, output: &mut Output) -> Result<(), Failure> {
        let filter = self.filter.filter()?;
        let mut conn = store.acquire(Access::Read).await?;
        let mut reader = Reader { link: Link { store: &store, conn: &mut *conn }, filter: &filter };
        let after = match self.from {
            Some(place) => Source::Own.resolve(&mut reader.link, place).await?,
            None => reader.latest(self.lines, output).await?,
        };
        if !self.follow {
            return reader.print_to_head(after, output).await;
        }
        drop(conn);
        output.finish()?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            failed = follow(store, after, filter, output) => failed,
        }
    }
}

/// Prints what comes, until something fails.
async fn follow<S: EventTables>(
    store: S,
    after: Position,
    filter: EventFilter,
    output: &mut Output,
) -> Result<(), Failure> {
    let client = Client::builder(store).settings(ClientSettings::new().poll_interval(POLL)).build()?;
    let mut ready = pin!(client.log().stream(after, filter).ready_chunks(CHUNK));
    while let Some(events) = ready.next().await {
        for event in events {
            print(&event?, output)?;
        }
        output.finish()?;
    }
    Ok(())
}

/// Reads the events that are wanted.
struct Reader<'a, S: EventTables> {
    link: Link<'a, S>,
    filter: &'a EventFilter,
}

impl<S: EventTables> Reader<'_, S> {
    /// Prints the last few events, and tells where they end.
    ///
    /// The log is read forwards only, so it is read from further and further back until there are enough.
    async fn latest(&mut self, lines: usize, output: &mut Output) -> Result<Position, Failure> {
        let first = Source::Own.trimmed(&mut self.link).await?.get();
        let head = Source::Own.resolve(&mut self.link, Place::Head).await?.get();
        let mut back = i64::try_from(lines).unwrap_or(i64::MAX).max(64);
        loop {
            let from = head.saturating_sub(back).max(first);
            let mut events = VecDeque::new();
            let mut after = Position::new(from);
            while after.get() < head {
                let page = self.page(after).await?;
                events.extend(page.events.into_iter().filter(|event| event.position.get() <= head));
                // Only the last of them are wanted.
                events.drain(..events.len().saturating_sub(lines));
                if page.next <= after {
                    break;
                }
                after = page.next;
            }
            if events.len() >= lines || from == first {
                for event in &events {
                    print(event, output)?;
                }
                return Ok(Position::new(head));
            }
            back = back.saturating_mul(8);
        }
    }

    /// Prints all events up to the head as it is now.
    async fn print_to_head(&mut self, mut after: Position, output: &mut Output) -> Result<(), Failure> {
        loop {
            let page = self.page(after).await?;
            for event in &page.events {
                print(event, output)?;
            }
            if page.next <= after || page.next >= page.head {
                return Ok(());
            }
            after = page.next;
        }
    }

    async fn page(&mut self, after: Position) -> Result<EventPage, Failure> {
        let query = EventQuery { after, limit: PAGE, filter: self.filter.clone() };
        Ok(self.link.store.events(self.link.conn, &query).await?)
    }
}
