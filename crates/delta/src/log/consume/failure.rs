use std::error::Error as StdError;
use std::fmt;

use delta_core::{Error, ErrorKind, Position};

use crate::log::consume::ConsumeError;

/// Why [`run_once`](crate::log::Consumption::run_once) has ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConsumeFailure {
    /// The handler, or the filter, has failed. The attempt is counted.
    Handler {
        /// The position of the event, or of the first one of the batch.
        position: Position,
        /// How often it has failed by now.
        attempts: u32,
        /// The error.
        error: ConsumeError,
    },
    /// The log or the cursor.
    Store(Error),
}

impl ConsumeFailure {
    /// The store's error, if it is one.
    #[must_use]
    pub fn as_store(&self) -> Option<&Error> {
        match self {
            Self::Store(error) => Some(error),
            Self::Handler { .. } => None,
        }
    }

    /// The kind of the store's error, if it is one.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.as_store().map(Error::kind)
    }
}

impl fmt::Display for ConsumeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler { position, attempts, error } => {
                write!(f, "attempt {attempts} at the event at {position} has failed: {error}")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl StdError for ConsumeFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // Its message names all that is below it.
            Self::Handler { .. } => None,
            Self::Store(error) => error.source(),
        }
    }
}

impl From<Error> for ConsumeFailure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
