use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// How an attempt ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The object is in step; from [`Controller::delete`](crate::Controller::delete): it is gone.
    Synced,
    /// Not yet: work it again after this time. The attempt does not count.
    Snooze(Duration),
    /// The object is gone outside: the resource becomes deleted.
    Delete {
        /// Why, to be kept with the resource's errors.
        reason: Option<String>,
    },
    /// The attempt was settled in the worker's own transaction, by [`settle_in`](crate::Client::settle_in). If that
    /// transaction did not commit, the attempt has failed.
    Settled,
}

type Cause = Box<dyn StdError + Send + Sync>;

/// How an attempt failed. Every error converts into one that is tried again with the kind's back-off.
///
/// It is not an error type itself: that is what lets `?` convert any error into it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use delta::WorkError;
///
/// fn parse(text: &str) -> Result<u16, WorkError> {
///     if text.is_empty() {
///         return Err(WorkError::permanent("no port"));
///     }
///     if text == "later" {
///         return Err(WorkError::retry_after(Duration::from_secs(60), "not ready"));
///     }
///     Ok(text.parse()?)
/// }
/// assert!(parse("80").is_ok() && parse("x").is_err());
/// ```
#[derive(Debug)]
pub struct WorkError {
    pub(crate) verdict: Verdict,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Retry,
    RetryAfter(Duration),
    Permanent,
    Delete,
}

impl WorkError {
    /// Tried again with the kind's back-off.
    pub fn retry(error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::Retry, cause: error.into() }
    }

    /// Tried again after this time, where the outside has said how long to wait.
    pub fn retry_after(delay: Duration, error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::RetryAfter(delay), cause: error.into() }
    }

    /// Not tried again: the resource becomes degraded.
    pub fn permanent(error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::Permanent, cause: error.into() }
    }

    /// The object turned out to be gone outside: the resource becomes deleted, and keeps the error.
    pub fn delete(error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::Delete, cause: error.into() }
    }

    /// The cause and what is below it, joined by colons.
    pub(crate) fn message(&self) -> String {
        chain(&*self.cause)
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for WorkError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// Why an informer could not go on. Every error converts into one. The run keeps what it has informed, its high-water
/// mark stays, and it is run again with back-off.
#[derive(Debug)]
pub struct InformError(Cause);

impl InformError {
    /// Takes a cause.
    pub fn new(error: impl Into<Cause>) -> Self {
        Self(error.into())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for InformError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for InformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(&*self.0))
    }
}

pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut message = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        let text = source.to_string();
        // Many errors repeat their source in their own message.
        if !message.ends_with(&text) {
            message = format!("{message}: {text}");
        }
        below = source.source();
    }
    message
}
