use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::ServerKind;
use crate::Backend;

/// Why there is no database for a test, and what to do about it.
///
/// It can be cloned because the server is looked for once, and every test that asks gets the same answer. Its debug text is
/// the message with those of its sources, because that is what a test that unwraps shows.
#[derive(Clone)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The backend was left out on request; the test should have asked [`Backend::enabled`] first.
    LeftOut {
        /// The backend that was asked for.
        backend: Backend,
    },
    /// The URL of a server cannot be read.
    InvalidUrl {
        /// What it should be the URL of.
        kind: ServerKind,
        /// What is wrong with it.
        source: Arc<sqlx::Error>,
    },
    /// The server does not answer, or does not let us in.
    Unreachable {
        /// What it is.
        kind: ServerKind,
        /// The server, without its password.
        url: String,
        /// What the driver says.
        source: Arc<sqlx::Error>,
    },
    /// No way of getting a server worked.
    NoServer {
        /// What is missing.
        kind: ServerKind,
        /// Each way, and why it did not.
        tried: Vec<String>,
    },
    /// This is root, as whom no database server runs, and there is no user to run it as.
    NoAccount {
        /// The names that were looked for.
        names: &'static [&'static str],
    },
    /// A program of the server failed or did not get ready.
    Program {
        /// The program.
        program: PathBuf,
        /// What happened to it.
        outcome: String,
        /// The end of what it wrote.
        log: String,
    },
    /// `apt-get` failed.
    Install {
        /// What was to be installed.
        package: &'static str,
        /// The end of what it wrote.
        log: String,
    },
    /// The container engine answered, but did not run the server.
    Container {
        /// What it was to run.
        kind: ServerKind,
        /// What the engine says.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A statement failed.
    Statement {
        /// What was being done.
        doing: String,
        /// What the server says.
        source: Arc<sqlx::Error>,
    },
    /// The operating system refused something.
    Io {
        /// What was being done.
        doing: String,
        /// What the system says.
        source: Arc<io::Error>,
    },
}

impl DatabaseError {
    /// For `map_err`: names what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source: Arc::new(source) }
    }
}

impl fmt::Debug for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut { backend } => write!(
                f,
                "the backend {backend} was left out by DELTA_TEST_BACKENDS, but a test asked for it: \
                 let the test return where `Backend::enabled` is false"
            ),
            Self::InvalidUrl { kind, .. } => {
                write!(f, "not the URL of a server of {kind}: expected {}", kind.form())
            }
            Self::Unreachable { kind, url, .. } => {
                write!(f, "no connection to the {kind} server {url}: start it")?;
                match kind.variable() {
                    Some(variable) => {
                        write!(f, ", or correct {variable}, or unset it to have a server started for the tests")
                    }
                    None => Ok(()),
                }
            }
            Self::NoServer { kind, tried } => {
                write!(f, "no {kind} for the tests: {}; tried: {}", kind.remedy(), tried.join("; "))
            }
            Self::NoAccount { names } => write!(
                f,
                "a database server does not run as root, and there is no user called {} to run it as: add one, or run \
                 the tests as another user",
                names.join(" or ")
            ),
            Self::Program { program, outcome, log } => {
                write!(f, "{} {outcome}; its log ends: {log}", program.display())
            }
            Self::Install { package, log } => {
                write!(f, "apt-get could not install {package}: install it by hand; its output ends: {log}")
            }
            Self::Container { kind, .. } => {
                write!(f, "the Docker engine did not run {kind}: check that it can pull images, or {}", kind.remedy())
            }
            Self::Statement { doing, .. } => {
                write!(f, "could not {doing}: the user of the server's URL must be allowed to create databases")
            }
            Self::Io { doing, .. } => write!(f, "could not {doing}"),
        }
    }
}

impl Error for DatabaseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidUrl { source, .. } | Self::Unreachable { source, .. } | Self::Statement { source, .. } => {
                Some(source.as_ref())
            }
            Self::Container { source, .. } => Some(source.as_ref()),
            Self::Io { source, .. } => Some(source.as_ref()),
            Self::LeftOut { .. }
            | Self::NoServer { .. }
            | Self::NoAccount { .. }
            | Self::Program { .. }
            | Self::Install { .. } => None,
        }
    }
}
