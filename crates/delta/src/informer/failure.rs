use std::fmt;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Name};

use crate::action::InformError;

/// Why a run of an informer did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// The informer said so.
    Informer(InformError),
    /// The informer panicked.
    Panicked(String),
    /// The informer gave no object for so long.
    TimedOut(Duration),
    /// It would have deleted more than is allowed.
    TooManyMissing { missing: u64, stored: u64, allowed: u64 },
    /// Somebody else has taken the run over, or may have.
    TakenOver,
    /// The client stops.
    Stopped,
    /// The store.
    Store(Error),
}

impl Failure {
    /// What a caller in the foreground gets.
    pub(super) fn into_error(self, kind: &Name) -> Error {
        let error_kind = match self {
            Self::Store(error) => return error,
            Self::TakenOver | Self::Stopped => ErrorKind::Unavailable,
            Self::Informer(_) | Self::Panicked(_) | Self::TimedOut(_) | Self::TooManyMissing { .. } => {
                ErrorKind::Invalid
            }
        };
        Error::new(error_kind, format!("inform {kind}"), self.to_string())
    }

    /// Its name in metrics.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Informer(_) => "error",
            Self::Panicked(_) => "panicked",
            Self::TimedOut(_) => "timed_out",
            Self::TooManyMissing { .. } => "too_many_missing",
            Self::TakenOver => "taken_over",
            Self::Stopped => "stopped",
            Self::Store(_) => "store",
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Informer(error) => error.fmt(f),
            Self::Panicked(message) => write!(f, "the informer {message}"),
            Self::TimedOut(timeout) => write!(f, "the informer gave no object for {timeout:?}"),
            Self::TooManyMissing { missing, stored, allowed } => write!(
                f,
                "expected at most {allowed} of the {stored} stored objects to be missing, found {missing}: nothing is deleted"
            ),
            Self::TakenOver => f.write_str("the run's lease was lost: another client may run the informer now"),
            Self::Stopped => f.write_str("the client stops"),
            Self::Store(error) => error.fmt(f),
        }
    }
}
