use std::fmt;
use std::num::NonZeroU8;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::canonical::ObjectHash;
use crate::invalid::Invalid;
use crate::key::Key;
use crate::labels::{Metadata, Tags, Trace};
use crate::lease::Lease;
use crate::state::State;
use crate::timestamp::Timestamp;

/// The id that a store gave a resource: never used again, not after a purge either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId(i64);

impl ResourceId {
    /// Takes a stored id. Stores hand out ids from 1 up.
    #[must_use]
    pub const fn new(id: i64) -> Self {
        Self(id)
    }

    /// The id as a number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How urgent a resource is within its lane, from 1 (first) to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Priority(NonZeroU8);

impl Priority {
    /// What is worked first: 1.
    pub const FIRST: Self = Self(NonZeroU8::new(1).unwrap());
    /// What a caller informs, unless it says otherwise: 2.
    pub const DEFAULT: Self = Self(NonZeroU8::new(2).unwrap());
    /// What comes in bulk (informers, missing objects, expiry), unless said otherwise: 3.
    pub const BULK: Self = Self(NonZeroU8::new(3).unwrap());
    /// What is worked last: 4.
    pub const LAST: Self = Self(NonZeroU8::new(4).unwrap());

    /// Checks a priority.
    pub fn new(priority: u8) -> Result<Self, Invalid> {
        match NonZeroU8::new(priority) {
            Some(number) if priority <= 4 => Ok(Self(number)),
            _ => Err(Invalid::new("priority", "1 (first) to 4 (last)", priority.to_string())),
        }
    }

    /// The priority as a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl TryFrom<u8> for Priority {
    type Error = Invalid;

    fn try_from(priority: u8) -> Result<Self, Invalid> {
        Self::new(priority)
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is wanted of a resource outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desired {
    /// The object is to exist: `work` is called.
    Present,
    /// The object is to be gone: `delete` is called.
    Absent(AbsentBy),
}

impl Desired {
    /// Who asked for absence, where absence is wanted.
    #[must_use]
    pub const fn absent_by(self) -> Option<AbsentBy> {
        match self {
            Self::Present => None,
            Self::Absent(by) => Some(by),
        }
    }
}

/// Who asked for an object to be absent. It decides who may end the absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AbsentBy {
    /// A caller. Only a caller may want the object back.
    Request,
    /// A full run of an informer that did not mention the object. An informer may want it back too.
    Missing,
}

impl AbsentBy {
    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Missing => "missing",
        }
    }

    /// Reads a stored text.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Request, Self::Missing].into_iter().find(|by| by.as_str() == text)
    }
}

/// Who had a resource deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletedBy {
    /// The worker, which found that the object is gone.
    Worker,
    /// A caller.
    Request,
    /// A full run of an informer that did not mention the object.
    Missing,
}

impl DeletedBy {
    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Request => "request",
            Self::Missing => "missing",
        }
    }

    /// Reads a stored text.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Worker, Self::Request, Self::Missing].into_iter().find(|by| by.as_str() == text)
    }
}

impl From<AbsentBy> for DeletedBy {
    fn from(by: AbsentBy) -> Self {
        match by {
            AbsentBy::Request => Self::Request,
            AbsentBy::Missing => Self::Missing,
        }
    }
}

/// One failed attempt, as it is kept in the resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptError {
    /// When it was recorded.
    pub at: Timestamp,
    /// The generation that was worked.
    pub generation: i64,
    /// Which attempt of that generation it was, from 1.
    pub attempt: i64,
    /// What went wrong, at most [`AttemptError::MAX_MESSAGE`] bytes.
    pub message: String,
    /// The backtrace of a panic.
    pub backtrace: Option<String>,
}

impl AttemptError {
    /// How many errors a resource keeps: the last 10.
    pub const KEPT: usize = 10;
    /// The longest message and the longest backtrace, in bytes: 4 KiB.
    pub const MAX_MESSAGE: usize = 4096;

    /// Cuts a text to the longest that is kept, at a character's border, and takes NULs out, which no database keeps.
    #[must_use]
    pub fn clip(text: &str) -> String {
        let cut = |text: &str| text.floor_char_boundary(Self::MAX_MESSAGE);
        // What stands for a NUL is longer than it, so it is cut once more.
        let mut clipped = text[..cut(text)].replace('\0', "\u{fffd}");
        clipped.truncate(cut(&clipped));
        clipped
    }
}

/// What is kept beside the narrow part of a resource, and loaded only when asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The object's JSON text, exactly as hashed.
    pub object: Arc<str>,
    /// The tags.
    pub tags: Tags,
    /// The last attempt errors, oldest first.
    pub errors: Vec<AttemptError>,
}

/// The stored record about one object.
///
/// Its serialised form keeps all of it exactly, so a store of documents may keep that. It is read again by every later
/// version: fields are added, with a default, and never renamed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Given by the store; zero in a resource that is yet to be inserted.
    pub id: ResourceId,
    /// Namespace, kind and object id.
    pub key: Key,
    /// Where it stands.
    pub state: State,
    /// Since when, or when it was last touched: retention counts from here.
    pub state_since: Timestamp,
    /// Whether the object is to be present or absent.
    pub desired: Desired,
    /// How urgent it is.
    pub priority: Priority,
    /// Counts changes of what is wanted, from 1.
    pub generation: i64,
    /// The last generation that a worker finished; 0 if none.
    pub synced_generation: i64,
    /// Attempts that this generation has used.
    pub attempt: i64,
    /// How many it may use; `None` is unlimited.
    pub max_attempts: Option<i64>,
    /// From when on it may be claimed. While pending: when the run after this one was asked for.
    pub run_at: Option<Timestamp>,
    /// The right to settle it, while pending.
    pub lease: Option<Lease>,
    /// Counts writes, heartbeats left out.
    pub version: i64,
    /// The hash of the object.
    pub hash: ObjectHash,
    /// The user's metadata.
    pub metadata: Metadata,
    /// The trace of the inform that asked for this generation.
    pub trace: Option<Trace>,
    /// How many attempts have failed in all.
    pub error_count: i64,
    /// When the object was created outside, as it says itself.
    pub external_created_at: Option<Timestamp>,
    /// When Delta first heard of it.
    pub created_at: Timestamp,
    /// When it was last written, heartbeats left out.
    pub updated_at: Timestamp,
    /// When it was last claimed.
    pub attempted_at: Option<Timestamp>,
    /// When a worker last finished it.
    pub synced_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Who had it deleted.
    pub deleted_by: Option<DeletedBy>,
    /// Whether nobody may claim it.
    pub paused: bool,
    /// Object, tags and errors, if they were loaded.
    pub detail: Option<Detail>,
}

impl Resource {
    /// Whether another attempt is allowed after the ones used.
    #[must_use]
    pub fn has_attempts_left(&self) -> bool {
        self.max_attempts.is_none_or(|max| self.attempt < max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_1_to_4() {
        for good in 1..=4 {
            assert_eq!(Priority::new(good).unwrap().get(), good);
        }
        for bad in [0, 5, 255] {
            assert_eq!(Priority::new(bad).unwrap_err().field(), "priority");
        }
        assert!(Priority::FIRST < Priority::DEFAULT && Priority::BULK < Priority::LAST);
        assert_eq!((Priority::default().get(), Priority::BULK.get()), (2, 3));
    }

    #[test]
    fn who_is_read_back_from_its_text() {
        for by in [AbsentBy::Request, AbsentBy::Missing] {
            assert_eq!(AbsentBy::from_stored(by.as_str()), Some(by));
            assert_eq!(DeletedBy::from(by).as_str(), by.as_str());
        }
        for by in [DeletedBy::Worker, DeletedBy::Request, DeletedBy::Missing] {
            assert_eq!(DeletedBy::from_stored(by.as_str()), Some(by));
        }
        assert_eq!((AbsentBy::from_stored("worker"), DeletedBy::from_stored("Worker")), (None, None));
    }

    #[test]
    fn a_message_is_cut_at_a_characters_border_and_has_no_nul() {
        assert_eq!(AttemptError::clip("a\0b"), "a\u{fffd}b");
        let long = format!("{}ä", "x".repeat(AttemptError::MAX_MESSAGE - 1));
        assert_eq!(AttemptError::clip(&long), "x".repeat(AttemptError::MAX_MESSAGE - 1));
        let exact = "x".repeat(AttemptError::MAX_MESSAGE);
        assert_eq!(AttemptError::clip(&exact), exact);
        let nuls = "\0".repeat(AttemptError::MAX_MESSAGE);
        assert!(AttemptError::clip(&nuls).len() <= AttemptError::MAX_MESSAGE, "longer than what is kept");
    }
}
