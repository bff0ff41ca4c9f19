use std::pin::pin;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Invalid, LogEvent, LogStore, Result};
use futures::StreamExt as _;

use crate::clock::sleep;
use crate::log::Log;

/// What came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited<E, T> {
    /// An event that the filter lets pass.
    Event(E),
    /// What the poll has found.
    Polled(T),
}

impl<S: LogStore, E: LogEvent> Log<S, E> {
    /// Waits for one event, or until a poll finds what is waited for, whichever comes first.
    ///
    /// The poll is asked at once, and again after each `interval`; it answers `None` while there is nothing yet. It is for
    /// what may have happened before the call, and for what the log does not tell.
    ///
    /// # Guarantees
    ///
    /// Nothing is missed in between: the log is read from its head before the first poll. So an event of the call's own
    /// past is never returned, and one that the first poll cannot see yet is.
    ///
    /// # Errors
    ///
    /// That of the log or of the poll, whichever comes first; `Invalid` for an interval of zero.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing but what the poll does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use delta::{Awaited, Client, EventFilter, EventKind, Key, MemoryStore, State};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), delta::Error> {
    /// let client = Client::builder(MemoryStore::new()).build()?;
    /// let key = Key::new("default", "customer", "c1")?;
    /// let synced = EventFilter { object_id_prefix: Some("c1".into()), ..EventFilter::of_kinds([EventKind::Synced]) };
    /// let log = client.log();
    /// let waiting = log.await_event(synced, Duration::from_secs(1), async || {
    ///     let row = client.record(&key).await?;
    ///     Ok(row.filter(|row| row.state == State::Synced))
    /// });
    /// # drop(waiting);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn await_event<T>(
        &self,
        filter: E::Filter,
        interval: Duration,
        mut poll: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<Awaited<E, T>> {
        if interval.is_zero() {
            return Err(Invalid::new("poll interval", "a time above zero", "0 s").into());
        }
        let head = self.head().await?.position;
        let mut events = pin!(self.stream(head, filter));
        let polled = async {
            loop {
                if let Some(found) = poll().await? {
                    return Ok(found);
                }
                sleep(interval).await;
            }
        };
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(event) => Ok(Awaited::Event(event?)),
                None => Err(Error::new(ErrorKind::Closed, "await an event", "the log has ended")),
            },
            found = polled => found.map(Awaited::Polled),
        }
    }
}
