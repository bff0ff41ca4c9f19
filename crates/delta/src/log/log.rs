use std::fmt;
use std::sync::Arc;

use delta_core::{Event, Gap, LogEvent, LogHolder, LogName, LogPage, LogStore, Notifier, Position, Result};
use futures::stream::{self, Stream};

use crate::client::Client;
use crate::clock::sleep;
use crate::log::head::Head;
use crate::log::reader::Reader;
use crate::log::source::{Limits, OwnSource, Source};
use crate::log::tail;

/// A log: Delta's own ([`Client::log`]), or one of the application's ([`EventLog::log`](crate::EventLog::log)). Clones are
/// the same log.
///
/// # Guarantees
///
/// - Every committed event is read exactly once by whoever goes on from where the last page ended, in one order that is the
///   same for all readers, and never before an earlier one. An open transaction that has appended holds readers back; it is
///   never skipped.
/// - However many readers a client has at the head of a log, one query serves them all, up to the bounds of the table's
///   [`HeadCache`](delta_core::HeadCache), of [`ClientSettings::log_cache`](crate::ClientSettings::log_cache) for Delta's
///   own. Who is behind reads by itself, with its filter in the database.
/// - Readers hear at once of what their own client has committed, and as soon as the store's wake-ups reach of what others
///   have. Whatever is lost of that, they find after the poll interval.
/// - Others are told of Delta's own log only if somebody may listen: if a consumer of it has a cursor in the database, which a
///   client looks up when it has committed events, at most once a minute, or if the client reads the log itself. A consumer
///   that is the first of all, in another process, polls for up to a minute.
/// - What a trim has removed is read all the same by who finds it in what the readers share.
///
/// While something is held back, readers look for its end four times a second. What is held back, by which session and for
/// how long, is in the metrics `delta_log_held_back` and `delta_log_held_seconds`, and in a warning if it takes longer than
/// half a second.
pub struct Log<S, E: LogEvent> {
    client: Client<S>,
    head: Arc<Head<E>>,
}

/// How far a log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// The last position that may be read now.
    pub position: Position,
    /// How many positions beyond it are given out but held back by a transaction that has yet to end.
    pub held_back: u64,
    /// What stops readers there, in a table whose gaps are waited for.
    pub gap: Option<Gap>,
}

impl LogHead {
    /// The last position that was given out, readable or not.
    #[must_use]
    pub fn end(&self) -> Position {
        Position::new(self.position.get().saturating_add_unsigned(self.held_back))
    }
}

impl<S: Clone, E: LogEvent> Clone for Log<S, E> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), head: self.head.clone() }
    }
}

impl<S, E: LogEvent> fmt::Debug for Log<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("name", self.name()).finish_non_exhaustive()
    }
}

impl<S: LogStore> Client<S> {
    /// Delta's own log: every change of a resource that has an event.
    ///
    /// # Examples
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// use delta::{Client, EventFilter, EventKind, MemoryStore, Object, Position};
    /// use futures::{StreamExt, TryStreamExt};
    ///
    /// # #[derive(Clone, Serialize, Deserialize)]
    /// # struct Customer { id: String }
    /// # impl Object for Customer {
    /// #     const KIND: &'static str = "customer";
    /// #     fn id(&self) -> String { self.id.clone() }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), delta::Error> {
    /// let client = Client::builder(MemoryStore::new()).build()?;
    /// client.inform(Customer { id: "c1".into() }).await?;
    /// client.inform(Customer { id: "c2".into() }).await?;
    ///
    /// let events = client.log().stream(Position::START, EventFilter::default());
    /// let first: Vec<_> = events.take(2).try_collect().await?;
    /// assert!(first.iter().all(|event| matches!(event.kind, EventKind::Scheduled(_))));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn log(&self) -> Log<S, Event> {
        let settings = &self.engine.settings;
        let limits = Limits {
            page: PAGE,
            poll: settings.poll_interval,
            cache: settings.log_cache,
            notifier: Notifier::Database,
        };
        let make = || Head::new(self.engine.clone(), Arc::new(OwnSource::new(self.bounded(), limits)));
        Log { head: self.engine.logs.head(&LogName::own(), None, make), client: self.clone() }
    }
}

/// How many events one query reads of Delta's own log.
const PAGE: u32 = 1_000;

impl<S, E: LogEvent> Log<S, E> {
    pub(super) fn new(client: Client<S>, head: Arc<Head<E>>) -> Self {
        Self { client, head }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &LogName {
        self.head.source.name()
    }

    /// Reads one page of at most so many events. Waits for nothing, and shares nothing.
    ///
    /// # Errors
    ///
    /// `CursorTooOld` if events after the position were trimmed, and it is not the start; `Unavailable`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn page(&self, after: Position, limit: u32, filter: &E::Filter) -> Result<LogPage<E>> {
        self.head.read(after, limit, filter).await
    }

    /// How far the log goes now.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn head(&self) -> Result<LogHead> {
        let page = self.head.read(Position::START, 1, &E::Filter::default()).await?;
        Ok(LogHead { position: page.head, held_back: page.held_back, gap: page.gap })
    }

    /// Names the transactions that hold readers back, the oldest first: their sessions, ages and statements.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn why_stalled(&self) -> Result<Vec<LogHolder>> {
        self.head.source.holders().await
    }

    /// All events after a position that a filter lets pass, in their order, without end: it waits at the head.
    ///
    /// Who wants to go on after a restart keeps the position of the last event that it has handled; a consumer does that
    /// by itself.
    ///
    /// # Errors
    ///
    /// An error of the store is an item, and the stream goes on after it, in a moment, with the next event; of `CursorTooOld`
    /// every further item is one, too: events are gone that were not read.
    pub fn stream(&self, after: Position, filter: E::Filter) -> impl Stream<Item = Result<E>> + Send + use<S, E> {
        let state = (self.reader(after, filter), Vec::new().into_iter(), 0);
        stream::unfold(state, |(mut reader, mut page, mut failures)| async move {
            loop {
                if let Some(event) = page.next() {
                    return Some((Ok(event), (reader, page, failures)));
                }
                if failures > 0 {
                    sleep(tail::retry_in(failures)).await;
                }
                match reader.next().await {
                    Ok(read) => (page, failures) = (read.events.into_iter(), 0),
                    Err(error) => return Some((Err(error), (reader, page, failures + 1))),
                }
            }
        })
    }

    /// Reads on from a position.
    pub(crate) fn reader(&self, after: Position, filter: E::Filter) -> Reader<E> {
        Reader::new(self.head.clone(), after, filter)
    }

    /// The client that it was taken from.
    pub(crate) fn client(&self) -> &Client<S> {
        &self.client
    }

    /// What it is read from.
    pub(crate) fn source(&self) -> &Arc<dyn Source<E>> {
        &self.head.source
    }
}

impl<S: LogStore, E: LogEvent> Log<S, E> {
    /// The store.
    pub(crate) fn store(&self) -> &S {
        &self.client.store
    }
}
