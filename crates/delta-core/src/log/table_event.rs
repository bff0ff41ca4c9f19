use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::labels::Trace;
use crate::log::LogEvent;
use crate::timestamp::Timestamp;

/// What an application's event is about: the id of something in its own tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ForeignId {
    /// An integer.
    Int(i64),
    /// Text.
    Text(String),
}

impl From<i64> for ForeignId {
    fn from(id: i64) -> Self {
        Self::Int(id)
    }
}

impl From<&str> for ForeignId {
    fn from(id: &str) -> Self {
        Self::Text(id.to_owned())
    }
}

impl From<String> for ForeignId {
    fn from(id: String) -> Self {
        Self::Text(id)
    }
}

impl fmt::Display for ForeignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(id) => id.fmt(f),
            Self::Text(id) => id.fmt(f),
        }
    }
}

/// An event that an application appends to its own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What it is about.
    pub foreign_id: ForeignId,
    /// What happened, in the application's own numbers.
    pub kind: i64,
    /// When.
    pub at: Timestamp,
    /// Anything more; `Invalid` if the table has no column for it.
    pub metadata: Option<Vec<u8>>,
    /// The trace that it belongs to; left out if the table has no column for it.
    pub trace: Option<Trace>,
}

impl NewEvent {
    /// An event without metadata and trace.
    #[must_use]
    pub fn new(foreign_id: impl Into<ForeignId>, kind: i64, at: Timestamp) -> Self {
        Self { foreign_id: foreign_id.into(), kind, at, metadata: None, trace: None }
    }

    /// Whether it is what fills a gap: about `0`, of the kind 0.
    #[must_use]
    pub fn is_noop(&self) -> bool {
        is_noop(&self.foreign_id, self.kind)
    }
}

/// An entry of an application's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEvent {
    /// Its place in the order: its id.
    pub position: Position,
    /// What it is about.
    pub foreign_id: ForeignId,
    /// What happened, in the application's own numbers.
    pub kind: i64,
    /// When.
    pub at: Timestamp,
    /// Anything more.
    pub metadata: Option<Vec<u8>>,
    /// The trace that it belongs to.
    pub trace: Option<Trace>,
}

impl TableEvent {
    /// Whether it only fills a gap: about `0`, of the kind 0.
    #[must_use]
    pub fn is_noop(&self) -> bool {
        is_noop(&self.foreign_id, self.kind)
    }
}

fn is_noop(foreign_id: &ForeignId, kind: i64) -> bool {
    let about_zero = match foreign_id {
        ForeignId::Int(id) => *id == 0,
        ForeignId::Text(id) => id == "0",
    };
    kind == 0 && about_zero
}

/// A choice of an application's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableFilter {
    /// Of these kinds; `None` is all.
    pub kinds: Option<BTreeSet<i64>>,
    /// Whose foreign id begins so, as text.
    pub foreign_id_prefix: Option<String>,
}

impl TableFilter {
    /// Lets only these kinds pass.
    #[must_use]
    pub fn of_kinds(kinds: impl IntoIterator<Item = i64>) -> Self {
        Self { kinds: Some(kinds.into_iter().collect()), ..Self::default() }
    }
}

/// Which events of an application's log to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableQuery {
    /// Only events after this position.
    pub after: Position,
    /// At most so many.
    pub limit: u32,
    /// Only what fits.
    pub filter: TableFilter,
}

impl LogEvent for TableEvent {
    type Filter = TableFilter;

    fn position(&self) -> Position {
        self.position
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    fn key(&self) -> Cow<'_, str> {
        match &self.foreign_id {
            ForeignId::Int(id) => id.to_string().into(),
            ForeignId::Text(id) => id.into(),
        }
    }

    fn type_name(&self) -> Cow<'_, str> {
        self.kind.to_string().into()
    }

    fn size(&self) -> usize {
        let id = if let ForeignId::Text(id) = &self.foreign_id { id.len() } else { 0 };
        let metadata = self.metadata.as_ref().map_or(0, Vec::len);
        size_of::<Self>() + id + metadata + self.trace.as_ref().map_or(0, |trace| trace.as_str().len())
    }

    fn passes(&self, filter: &TableFilter) -> bool {
        filter.kinds.as_ref().is_none_or(|kinds| kinds.contains(&self.kind))
            && filter.foreign_id_prefix.as_ref().is_none_or(|prefix| self.key().starts_with(prefix))
    }
}
