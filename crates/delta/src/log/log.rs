use std::fmt;
use std::sync::Arc;

use delta_core::{
    Browse, Event, HeadCache, LogEvent, LogHolder, LogName, LogPage, LogStore, Notifier, Position, Result,
};

use futures::stream::{self, Stream};

use crate::client::Client;
use crate::log::head::Head;
use crate::log::reader::Reader;
use crate::log::source::{Limits, OwnSource, Source};

/// A log: Delta's own, or one of the application's.
///
/// Clones are the same log.
pub struct Log<S, E: LogEvent> {
    client: Client<S>,
    head: Arc<Head<E>>,
}

impl<S: Browse, E: LogEvent> Clone for Log<S, E> {
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
    /// Delta's own log.
    #[must_use]
    pub fn log(&self) -> Log<S, Event> {
        let limits = Limits {
            page: 1_000,
            poll: self.engine.settings.poll_interval,
            cache: HeadCache::default(),
            notifier: Notifier::Database,
        };
        let source: Arc<dyn Source<Event>> = Arc::new(OwnSource::new(self.store.clone(), limits));
        let signal = self.engine.logs.signal(source.name());
        Log { client: self.clone(), head: Arc::new(Head { source, signal }) }
    }
}

impl<S, E: LogEvent> Log<S, E> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &LogName {
        self.head.source.name()
    }

    /// The client that it was taken from.
    pub(crate) fn client(&self) -> &Client<S> {
        &self.client
    }

    /// What it is read from.
    pub(crate) fn source(&self) -> &Arc<dyn Source<E>> {
        &self.head.source
    }

    /// Reads a page, at most so many events.
    pub async fn page(&self, after: Position, limit: u32, filter: &E::Filter) -> Result<LogPage<E>> {
        self.head.source.read(after, limit, filter).await
    }

    /// Names the transactions that hold readers back, the oldest first.
    pub async fn why_stalled(&self) -> Result<Vec<LogHolder>> {
        self.head.source.holders().await
    }

    /// Reads on from a position.
    pub(crate) fn reader(&self, after: Position, filter: E::Filter) -> Reader<E> {
        Reader::new(self.head.clone(), after, filter)
    }
}

impl<S: LogStore, E: LogEvent> Log<S, E> {
    /// All events after a position that a filter lets pass, in their order, for ever: it waits at the head.
    pub fn stream(&self, after: Position, filter: E::Filter) -> impl Stream<Item = Result<E>> + Send + 'static {
        let state = (self.reader(after, filter), Vec::new().into_iter());
        stream::unfold(state, |(mut reader, mut page)| async move {
            loop {
                if let Some(event) = page.next() {
                    return Some((Ok(event), (reader, page)));
                }
                match reader.next().await {
                    Ok(read) => page = read.events.into_iter(),
                    Err(error) => return Some((Err(error), (reader, page))),
                }
            }
        })
    }

    /// The store.
    pub(crate) fn store(&self) -> &S {
        &self.client.store
    }
}
