use std::fmt;
use std::sync::Arc;

use delta_core::LogEvent;
use delta_core::plan::consume::slice_of;

/// What decides on an event's slice. The hash is [`slice_of`]: it never changes.
#[derive(Clone)]
pub enum ShardBy<E> {
    /// What the event is about: its resource's key, or its foreign id.
    Key,
    /// The same as [`Key`](Self::Key), in the words of an application's log.
    ForeignId,
    /// The name or number of its type.
    Type,
    /// Its place in the log: spreads evenly, and keeps no order.
    Position,
    /// This text.
    With(Arc<dyn Fn(&E) -> String + Send + Sync>),
}

impl<E: LogEvent> ShardBy<E> {
    /// Decides by a text of the caller's.
    pub fn with(key: impl Fn(&E) -> String + Send + Sync + 'static) -> Self {
        Self::With(Arc::new(key))
    }

    pub(crate) fn slice(&self, event: &E) -> u16 {
        match self {
            Self::Key | Self::ForeignId => slice_of(&event.key()),
            Self::Type => slice_of(&event.type_name()),
            Self::Position => slice_of(&event.position().to_string()),
            Self::With(key) => slice_of(&key(event)),
        }
    }
}

impl<E> fmt::Debug for ShardBy<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "Key",
            Self::ForeignId => "ForeignId",
            Self::Type => "Type",
            Self::Position => "Position",
            Self::With(_) => "With",
        })
    }
}
