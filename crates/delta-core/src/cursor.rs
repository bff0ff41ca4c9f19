use crate::lease::Owner;
use crate::timestamp::Timestamp;

/// A named place that only one holder may move: a consumer of the log, an informer's schedule, the leader's term.
#[derive(Clone, Debug, PartialEq, Eq)]
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
