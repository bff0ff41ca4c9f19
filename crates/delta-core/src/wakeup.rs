use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{BoxStream, Stream};

use crate::key::Lane;
use crate::log::LogName;

/// What a store's wake-ups tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WakeUpSignal {
    /// Something became claimable in this lane.
    Lane(Lane),
    /// Something was appended to this log.
    Log(LogName),
    /// Wake-ups may have been lost (a reconnect, a full channel): look everywhere.
    All,
}

impl From<Lane> for WakeUpSignal {
    fn from(lane: Lane) -> Self {
        Self::Lane(lane)
    }
}

/// The wake-ups of a store: hints that something can be claimed, or read. The stream never ends by itself; losing a wake-up
/// costs no more than the poll interval.
pub struct Wakeups(BoxStream<'static, WakeUpSignal>);

impl Wakeups {
    /// Takes a store's stream.
    pub fn new(stream: impl Stream<Item = WakeUpSignal> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

impl Stream for Wakeups {
    type Item = WakeUpSignal;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<WakeUpSignal>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Wakeups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wakeups")
    }
}
