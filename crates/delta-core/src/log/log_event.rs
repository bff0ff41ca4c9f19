use std::borrow::Cow;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{Event, Position, Scope, Subject};
use crate::labels::Trace;
use crate::query::EventFilter;
use crate::timestamp::Timestamp;

/// An event of a log, as far as those who consume one need to know it.
///
/// Its serialised form keeps all of it exactly: dead letters hold it.
pub trait LogEvent: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// A choice of events, which the store of the log can make as well; all by default.
    type Filter: Clone + Debug + Default + PartialEq + Send + Sync + 'static;

    /// Its place in the order.
    fn position(&self) -> Position;
    /// When it happened.
    fn at(&self) -> Timestamp;
    /// The trace that caused it.
    fn trace(&self) -> Option<&Trace>;
    /// What it is about: events of one key may have to be handled in order.
    fn key(&self) -> Cow<'_, str>;
    /// What happened: the name or number of its type.
    fn type_name(&self) -> Cow<'_, str>;
    /// About how many bytes of memory it takes.
    fn size(&self) -> usize;
    /// Whether a filter lets it pass.
    fn passes(&self, filter: &Self::Filter) -> bool;
}

impl LogEvent for Event {
    type Filter = EventFilter;

    fn position(&self) -> Position {
        self.position
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// The key of its resource; of a kind or namespace as a whole, its name.
    fn key(&self) -> Cow<'_, str> {
        match &self.subject {
            Subject::Resource { key, .. } => key.to_string().into(),
            Subject::Scope(Scope::Kind(name) | Scope::Namespace(name)) => name.as_str().into(),
        }
    }

    fn type_name(&self) -> Cow<'_, str> {
        self.kind.as_str().into()
    }

    fn size(&self) -> usize {
        let key = match &self.subject {
            Subject::Resource { key, .. } => key.object_id.as_str().len(),
            Subject::Scope(_) => 0,
        };
        let texts = self.metadata.as_str().len() + self.object.as_ref().map_or(0, |object| object.len());
        size_of::<Self>() + key + texts + self.trace.as_ref().map_or(0, |trace| trace.as_str().len())
    }

    fn passes(&self, filter: &EventFilter) -> bool {
        filter.matches(self)
    }
}
