use std::future::poll_fn;
use std::mem;
use std::task::Poll;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::time::{Instant, timeout_at};

use crate::action::InformError;
use crate::clock::instant;
use crate::executor::guarded;
use crate::inform::Mention;
use crate::informer::failure::Failure;

/// How many objects a batch holds at most.
const BATCH: usize = 500;
/// How long a batch waits for more objects after its first.
const LINGER: Duration = Duration::from_millis(100);

/// Reads an informer's stream in batches.
pub(super) struct Reader<'a> {
    /// `None` once it has ended.
    stream: Option<BoxStream<'a, Result<Mention, InformError>>>,
    timeout: Option<Duration>,
    /// How many more objects were asked for.
    left: Option<u64>,
    gathered: Vec<Mention>,
    /// When to stop waiting for the next object, where the wait has begun.
    wait_until: Option<Instant>,
}

/// What was read.
pub(super) struct Batch {
    pub(super) mentions: Vec<Mention>,
    /// How the stream ended after them, if it did.
    pub(super) end: Option<Result<(), Failure>>,
}

impl<'a> Reader<'a> {
    /// Calls the informer, which gives a stream or panics.
    pub(super) fn open(
        inform: impl FnOnce() -> BoxStream<'a, Result<Mention, InformError>>,
        timeout: Option<Duration>,
        limit: Option<u64>,
    ) -> Result<Self, Failure> {
        let stream = guarded(inform).map_err(|panic| Failure::Panicked(panic.message))?;
        Ok(Self { stream: Some(stream), timeout, left: limit, gathered: Vec::new(), wait_until: None })
    }

    /// The next batch: whole, or what came within a while after its first object, or what came before the end.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped, and the wait goes on from where it was.
    pub(super) async fn batch(&mut self) -> Batch {
        let end = loop {
            if self.left == Some(0) {
                break Some(Ok(()));
            }
            let Some(stream) = &mut self.stream else { break Some(Ok(())) };
            if self.gathered.len() >= BATCH {
                break None;
            }
            if self.wait_until.is_none() {
                self.wait_until = self.timeout.and_then(|timeout| instant().checked_add(timeout));
            }
            let next = poll_fn(|cx| match guarded(|| stream.poll_next_unpin(cx)) {
                Ok(Poll::Ready(next)) => Poll::Ready(Ok(next)),
                Ok(Poll::Pending) => Poll::Pending,
                Err(panic) => Poll::Ready(Err(Failure::Panicked(panic.message))),
            });
            let next = match self.wait_until {
                Some(until) => timeout_at(until, next).await,
                None => Ok(next.await),
            };
            match next {
                Ok(Ok(Some(Ok(mention)))) => {
                    if self.gathered.is_empty() {
                        self.wait_until = Some(instant() + LINGER);
                    }
                    self.gathered.push(mention);
                    self.left = self.left.map(|left| left - 1);
                }
                Ok(Ok(None)) => break Some(Ok(())),
                Ok(Ok(Some(Err(error)))) => break Some(Err(Failure::Informer(error))),
                Ok(Err(panicked)) => break Some(Err(panicked)),
                Err(_) if self.gathered.is_empty() => {
                    break Some(Err(Failure::TimedOut(self.timeout.unwrap_or_default())));
                }
                Err(_) => break None,
            }
        };
        if end.is_some() {
            self.stream = None;
        }
        self.wait_until = None;
        Batch { mentions: mem::take(&mut self.gathered), end }
    }
}
