use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use delta::core::Invalid;
use delta::{Error, ErrorKind};

/// Why the program could not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of Delta.
    Delta(Error),
    /// The arguments are wrong together, each of them being right.
    Usage(String),
    /// Some of several resources were refused.
    Refused { refused: u64, first: String },
    /// `doctor` found something.
    Unhealthy(u64),
    /// The output could not be written.
    Output(io::Error),
    /// A file could not be read or written.
    File(String),
    /// A file or a database is not what was asked for; nothing was changed.
    Input(String),
    /// The database changed while it was read.
    Changed(String),
    /// Something stored cannot be what it is.
    Stored(String),
}

/// What `--help` says about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; for doctor: healthy
  1  anything else; for doctor: not healthy
  2  wrong usage, or an input that was refused, or a place that the log was trimmed beyond:
     nothing was changed by it
  3  the database cannot be reached or used right now, or changed while it was exported: try again
     later
  4  this program does not fit the schema of the database, or the database cannot do what was asked
  5  something stored cannot be what it is: look at the database";

impl Failure {
    pub(crate) fn file(path: &Path, error: impl fmt::Display) -> Self {
        Self::File(format!("{}: {error}", path.display()))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Delta(error) => match error.kind() {
                ErrorKind::Invalid | ErrorKind::CursorTooOld => 2,
                ErrorKind::Unavailable | ErrorKind::Conflict => 3,
                ErrorKind::Unsupported => 4,
                ErrorKind::Corrupt => 5,
                _ => 1,
            },
            Self::Usage(_) | Self::Refused { .. } | Self::Input(_) => 2,
            Self::Changed(_) => 3,
            Self::Stored(_) => 5,
            Self::Unhealthy(_) | Self::Output(_) | Self::File(_) => 1,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delta(error) => error.fmt(f),
            Self::Usage(message) | Self::File(message) | Self::Input(message) | Self::Stored(message) => {
                f.write_str(message)
            }
            Self::Changed(what) => write!(f, "the database changed while it was read: {what}"),
            Self::Refused { refused: 1, first } => f.write_str(first),
            Self::Refused { refused, first } => write!(f, "{refused} were refused, the first: {first}"),
            Self::Unhealthy(1) => f.write_str("found 1 problem"),
            Self::Unhealthy(problems) => write!(f, "found {problems} problems"),
            Self::Output(error) => write!(f, "could not write the output: {error}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Delta(error)
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Delta(invalid.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
