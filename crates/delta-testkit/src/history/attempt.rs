use std::fmt;

use delta_core::{Desired, Key, LeaseToken, Resource, ResourceId, Timestamp};
use serde::{Deserialize, Serialize};

/// One run of a worker on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempt {
    /// The row.
    pub id: ResourceId,
    /// The resource.
    pub key: Key,
    /// What is called.
    pub method: Method,
    /// The generation that is worked.
    pub generation: i64,
    /// Which attempt of that generation it is, from 1.
    pub attempt: i64,
    /// The lease that it runs under.
    pub token: LeaseToken,
    /// When that lease was to end as it was claimed, by the holder's knowledge of the database's time.
    pub until: Timestamp,
}

impl Attempt {
    /// The attempt that a claimed row is for; `None` if it has no lease.
    #[must_use]
    pub fn of(row: &Resource) -> Option<Self> {
        let lease = row.lease.as_ref()?;
        let method = match row.desired {
            Desired::Present => Method::Work,
            Desired::Absent(_) => Method::Delete,
        };
        Some(Self {
            id: row.id,
            key: row.key.clone(),
            method,
            generation: lease.generation,
            attempt: row.attempt,
            token: lease.token,
            until: lease.until,
        })
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, method, generation, attempt, .. } = self;
        write!(f, "{method} {key} generation {generation} attempt {attempt}")
    }
}

/// A method of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    /// `Controller::work`
    Work,
    /// `Controller::delete`
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work => "work",
            Self::Delete => "delete",
        })
    }
}

/// What a call of the controller came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Answer {
    /// The object is in step, or gone where absence was wanted.
    Synced,
    /// Not yet.
    Snoozed,
    /// The object is gone outside.
    Deleted,
    /// Settled in the worker's own transaction.
    Settled,
    /// An error: its text, with those of its causes.
    Error(String),
    /// It panicked.
    Panicked,
    /// None: the future was dropped (a timeout, a cancel, a lost lease, a crash).
    Dropped,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synced => f.write_str("synced"),
            Self::Snoozed => f.write_str("not yet"),
            Self::Deleted => f.write_str("gone outside"),
            Self::Settled => f.write_str("settled in a transaction of its own"),
            Self::Error(text) => write!(f, "error: {text}"),
            Self::Panicked => f.write_str("panicked"),
            Self::Dropped => f.write_str("dropped"),
        }
    }
}
