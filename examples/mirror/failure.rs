use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// Why the program ends without an exact copy, with its exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Some entries could not be mirrored; the summary lists them.
    Incomplete,
    /// A part of the source could not be read, so that nothing was removed.
    Unread(String),
    /// The arguments, or the directories that they name, cannot be used.
    Usage(String),
    /// The database cannot be used.
    Database(delta::Error),
    /// Too much of the source is gone.
    TooMuchGone(String),
    /// Ended by Ctrl-C.
    Interrupted,
}

impl Failure {
    pub(crate) fn usage(path: &Path, error: impl fmt::Display) -> Self {
        Self::Usage(format!("{}: {error}", path.display()))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Incomplete | Self::Unread(_) => 1,
            Self::Usage(_) => 2,
            Self::Database(error) if error.kind() == delta::ErrorKind::Invalid => 2,
            Self::Database(_) => 3,
            Self::TooMuchGone(_) => 4,
            Self::Interrupted => 130,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("some entries could not be mirrored"),
            Self::Unread(message) | Self::Usage(message) | Self::TooMuchGone(message) => f.write_str(message),
            Self::Database(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted; run it again to go on"),
        }
    }
}

impl From<delta::Error> for Failure {
    fn from(error: delta::Error) -> Self {
        Self::Database(error)
    }
}
