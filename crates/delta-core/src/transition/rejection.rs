use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::state::State;

/// Why an input was refused: the table has no transition for it. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// There is no such resource.
    NotFound,
    /// The row's state is of another version of Delta.
    UnknownState(State),
    /// Only what is synced can expire or be invalidated.
    NotSynced(State),
    /// Only what is failed or degraded can be retried.
    NotRetryable(State),
    /// Only what waits or runs can be cancelled.
    NotCancellable(State),
    /// It is not due for this, or not in a state for it.
    NotDue(State),
    /// The row is not pending under that lease.
    Lost(State),
}

impl Rejection {
    /// The state that the resource is in.
    #[must_use]
    pub fn state(&self) -> Option<&State> {
        match self {
            Self::NotFound => None,
            Self::UnknownState(state)
            | Self::NotSynced(state)
            | Self::NotRetryable(state)
            | Self::NotCancellable(state)
            | Self::NotDue(state)
            | Self::Lost(state) => Some(state),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("expected a resource, found none with that key"),
            Self::UnknownState(state) => write!(f, "expected a state of this version, found \"{state}\""),
            Self::NotSynced(state) => write!(f, "expected a synced resource, found it {state}"),
            Self::NotRetryable(state) => write!(f, "expected a failed or degraded resource, found it {state}"),
            Self::NotCancellable(state) => {
                write!(f, "expected a scheduled, pending, failed or expired resource, found it {state}")
            }
            Self::NotDue(state) => write!(f, "expected a resource that is due, found it {state}"),
            Self::Lost(state) => write!(f, "expected a resource pending under the lease, found it {state}"),
        }
    }
}

impl std::error::Error for Rejection {}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::new(ErrorKind::Invalid, "request", rejection)
    }
}
