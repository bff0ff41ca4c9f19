use std::borrow::Cow;
use std::fmt;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A result of this crate and of every store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller does about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database cannot be reached or used right now: try again later.
    Unavailable,
    /// The transaction is over (a deadlock, a serialisation failure): roll back and repeat the whole of it.
    Conflict,
    /// The call is wrong: mend it. Nothing was written.
    Invalid,
    /// Something stored cannot be what it is: stop, and look at the database.
    Corrupt,
    /// This store, server or schema version cannot do what was asked.
    Unsupported,
    /// The store or the client was closed.
    Closed,
    /// The log was trimmed beyond the cursor, which has missed events: bootstrap, and go on from there.
    CursorTooOld,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "unavailable",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Closed => "closed",
            Self::CursorTooOld => "cursor too old",
        })
    }
}

/// An error of Delta: its kind says what to do, its operation what was being done, its source why it failed.
///
/// Messages never hold a secret: a store removes passwords from what its driver reports.
///
/// # Examples
///
/// ```
/// use delta_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unavailable, "claim", "connection reset");
/// assert_eq!(error.kind(), ErrorKind::Unavailable);
/// assert_eq!(error.to_string(), "claim: unavailable: connection reset");
/// assert!(error.is_transient());
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: Cow<'static, str>,
    source: Source,
}

impl Error {
    /// Makes an error.
    pub fn new(kind: ErrorKind, operation: impl Into<Cow<'static, str>>, source: impl Into<Source>) -> Self {
        Self { kind, operation: operation.into(), source: source.into() }
    }

    /// What the caller does about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Whether the same call may succeed later without any change: the kinds `Unavailable` and `Conflict`.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Conflict)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.operation, self.kind, self.source)
    }
}

impl std::error::Error for Error {
    /// The cause below the one that the message already names.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no connection")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_chain_of_causes_names_each_of_them_once() {
        let error = Error::new(ErrorKind::Unavailable, "claim", Outer(std::io::Error::other("refused")));
        assert_eq!(error.to_string(), "claim: unavailable: no connection");
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "refused");
        assert!(cause.source().is_none());
    }

    #[test]
    fn an_error_of_mere_text_has_no_further_cause() {
        let error = Error::new(ErrorKind::Corrupt, format!("load {}", 7), "expected a hash of 32 bytes, found 3");
        assert_eq!(error.operation(), "load 7");
        assert_eq!(error.to_string(), "load 7: corrupt: expected a hash of 32 bytes, found 3");
        assert!(std::error::Error::source(&error).is_none());
    }

    #[test]
    fn unavailable_and_conflict_pass_and_no_other() {
        let kinds = [
            (ErrorKind::Unavailable, "unavailable", true),
            (ErrorKind::Conflict, "conflict", true),
            (ErrorKind::Invalid, "invalid", false),
            (ErrorKind::Corrupt, "corrupt", false),
            (ErrorKind::Unsupported, "unsupported", false),
            (ErrorKind::Closed, "closed", false),
        ];
        for (kind, text, transient) in kinds {
            assert_eq!(Error::new(kind, "claim", "why").is_transient(), transient);
            assert_eq!(kind.to_string(), text);
        }
    }
}
