use serde::{Deserialize, Serialize};

use crate::lease::Owner;
use crate::timestamp::Timestamp;

/// How the names of cursors begin that keep how far a log was trimmed; the log's name follows.
pub const TRIM_PREFIX: &str = "trimmed/";

/// How the names of consumers' cursors begin; the log's name, a slash and the consumer's name follow.
pub const CONSUMER_PREFIX: &str = "consumer/";

/// A named place that only one holder may move: a consumer of the log, an informer's schedule, the leader's term.
///
/// Its serialised form keeps all of it exactly, as a [`Resource`](crate::Resource)'s does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Its name, unique: at most 255 bytes, compared byte by byte.
    pub name: String,
    /// The place; what it means is its user's.
    pub position: Option<String>,
    /// Who may move it.
    pub holder: Option<Owner>,
    /// Until when the holder may.
    pub lease_until: Option<Timestamp>,
    /// When it is due.
    pub next_at: Option<Timestamp>,
    /// JSON text of its user's own.
    pub data: Option<String>,
    /// Counts writes, from 1.
    pub version: i64,
}

impl Cursor {
    /// A cursor with nothing in it, yet to be stored.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { name, position: None, holder: None, lease_until: None, next_at: None, data: None, version: 0 }
    }

    /// Whether `owner` may take it: it is free, its own, or its lease is over.
    #[must_use]
    pub fn is_open_to(&self, owner: Owner, now: Timestamp) -> bool {
        match (self.holder, self.lease_until) {
            (Some(holder), Some(until)) => holder == owner || until <= now,
            _ => true,
        }
    }

    /// The change that stores this cursor over the version that was read, or as a new one if none was.
    #[must_use]
    pub fn put(self) -> CursorChange {
        CursorChange::Put(self)
    }

    /// The change that removes this cursor as it was read.
    #[must_use]
    pub fn remove(self) -> CursorChange {
        CursorChange::Remove { name: self.name, version: self.version }
    }
}

/// One write of a cursor, fenced by the version that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorChange {
    /// Stores all fields. `version` is the one that was read, and becomes one more; 0 inserts, and is lost if the name
    /// exists.
    Put(Cursor),
    /// Removes the row.
    Remove {
        /// Which.
        name: String,
        /// The version that was read.
        version: i64,
    },
}

impl CursorChange {
    /// The name of the cursor.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Put(cursor) => &cursor.name,
            Self::Remove { name, .. } => name,
        }
    }

    /// The version that the cursor must still have; 0 means that it must not exist.
    #[must_use]
    pub fn version(&self) -> i64 {
        match self {
            Self::Put(cursor) => cursor.version,
            Self::Remove { version, .. } => *version,
        }
    }
}

/// Which cursors to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorQuery {
    /// Those of these names.
    Names(Vec<String>),
    /// Those whose name begins so, in the order of their names (bytes).
    Prefix(String),
    /// Those whose name begins so and whose `next_at` has come, the longest due first.
    Due {
        /// How the name begins.
        prefix: String,
        /// The moment.
        now: Timestamp,
        /// At most so many.
        limit: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(100);
    const OWNER: Owner = Owner::new(1);

    fn held(holder: Option<i64>, until: Option<i64>) -> Cursor {
        let (holder, lease_until) = (holder.map(Owner::new), until.map(Timestamp::from_micros));
        Cursor { holder, lease_until, ..Cursor::new("leader") }
    }

    #[test]
    fn a_cursor_is_open_to_its_holder_and_to_all_once_its_lease_is_over() {
        assert!(Cursor::new("leader").is_open_to(OWNER, NOW), "nobody holds it");
        assert!(held(Some(1), Some(101)).is_open_to(OWNER, NOW), "its own");
        assert!(!held(Some(2), Some(101)).is_open_to(OWNER, NOW), "another's");
        assert!(held(Some(2), Some(100)).is_open_to(OWNER, NOW), "another's, over right now");
        assert!(held(Some(2), None).is_open_to(OWNER, NOW), "another's without a lease");
        assert!(held(None, Some(101)).is_open_to(OWNER, NOW), "given back early");
    }

    #[test]
    fn a_cursor_is_written_and_removed_over_the_version_that_was_read() {
        let new = Cursor::new("mailer");
        assert_eq!((new.version, new.position.clone(), new.next_at), (0, None, None));
        let put = new.put();
        assert_eq!((put.name(), put.version()), ("mailer", 0));
        let remove = Cursor { version: 7, ..Cursor::new("mailer") }.remove();
        assert_eq!((remove.name(), remove.version()), ("mailer", 7));
    }
}
