use std::io;

use rustix::io::Errno;

/// Why an entry is not in step yet.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It was written while it was copied.
    Changed,
    /// Another entry comes first: its own worker is about to change it.
    Blocked,
    /// A directory that is to go still has entries, whose own workers remove them first.
    NotEmpty,
    /// The attempt is to end.
    Stopped,
    /// It can not be read.
    Denied(io::Error),
    /// Something else, which may be over by the next attempt.
    Failed(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied(error),
            _ => Self::Failed(error),
        }
    }
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}
