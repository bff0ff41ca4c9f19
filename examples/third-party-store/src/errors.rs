use std::fmt::Display;

use delta_core::{Error, ErrorKind};

/// What is done within a call.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a call failed, before it is known which call it was.
#[derive(Debug)]
pub(crate) enum Failure {
    Redb(redb::Error),
    /// Something is stored that this store does not write.
    Corrupt(String),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Redb(error.into())
    }
}

impl Failure {
    pub(crate) fn corrupt(why: impl Display) -> Self {
        Self::Corrupt(format!("expected what this store writes, found something else: {why}"))
    }

    /// The error that the caller gets.
    pub(crate) fn during(self, operation: &'static str) -> Error {
        match self {
            Self::Redb(error) => Error::new(kind(&error), operation, error),
            Self::Corrupt(what) => Error::new(ErrorKind::Corrupt, operation, what),
        }
    }
}

fn kind(error: &redb::Error) -> ErrorKind {
    use redb::Error as E;
    match error {
        E::Corrupted(_) | E::TableDoesNotExist(_) => ErrorKind::Corrupt,
        E::UpgradeRequired(_) | E::TableTypeMismatch { .. } | E::Unsupported => ErrorKind::Unsupported,
        E::ValueTooLarge(_) | E::TableAlreadyOpen(..) => ErrorKind::Invalid,
        E::DatabaseClosed => ErrorKind::Closed,
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_says_what_its_caller_does_about_it() {
        let cases = [
            (redb::Error::DatabaseAlreadyOpen, ErrorKind::Unavailable),
            (redb::Error::Io(std::io::Error::other("disk full")), ErrorKind::Unavailable),
            (redb::Error::PreviousIo, ErrorKind::Unavailable),
            (redb::Error::Corrupted("a page".to_owned()), ErrorKind::Corrupt),
            (redb::Error::UpgradeRequired(1), ErrorKind::Unsupported),
            (redb::Error::ValueTooLarge(1 << 33), ErrorKind::Invalid),
            (redb::Error::DatabaseClosed, ErrorKind::Closed),
        ];
        for (error, kind) in cases {
            let text = error.to_string();
            let error = Failure::from(error).during("commit");
            assert_eq!((error.kind(), error.operation()), (kind, "commit"), "{text}");
        }
        assert_eq!(Failure::corrupt("x").during("load").kind(), ErrorKind::Corrupt);
    }
}
