use std::env;
use std::fmt;

use super::url::without_password;
use super::{DatabaseError, ServerKind, install};

/// A server that all tests of a process share, and where it came from.
#[derive(Debug)]
pub(crate) struct Source<S: Shareable> {
    origin: Origin<S>,
}

#[derive(Debug)]
enum Origin<S: Shareable> {
    Given(String),
    Started(S),
    Container(Box<S::Container>),
}

/// A server that tests may share.
pub(crate) trait Shareable: Sized + fmt::Debug {
    const KIND: ServerKind;
    /// What it takes to start one.
    type Programs;
    /// One run by a container engine.
    type Container: fmt::Debug;

    /// The installed programs, or why there are none that can be used.
    fn programs() -> Result<Self::Programs, String>;
    /// Starts one as tests share it.
    fn start_shared(programs: Self::Programs) -> Result<Self, DatabaseError>;
    fn url(&self) -> &str;

    /// Starts a container; the inner error says why there is no engine.
    fn contain() -> Result<Result<Self::Container, String>, DatabaseError>;
    fn container_url(container: &Self::Container) -> &str;

    /// Drops what ended runs have left on a server that is not ours.
    fn sweep(url: &str) -> Result<(), DatabaseError>;
}

impl<S: Shareable> Source<S> {
    /// The first server that there is: given by URL, of installed programs, in a container, of programs installed now.
    pub(crate) fn get() -> Result<Self, DatabaseError> {
        let variable = S::KIND.variable().unwrap_or_default();
        if let Some(url) = env::var(variable).ok().filter(|url| !url.is_empty()) {
            S::sweep(&url)?;
            return Ok(Self { origin: Origin::Given(url) });
        }
        let mut tried = vec![format!("{variable} is not set")];
        let origin = match S::programs() {
            Ok(programs) => Origin::Started(S::start_shared(programs)?),
            Err(why) => {
                tried.push(why);
                match S::contain()? {
                    Ok(container) => Origin::Container(Box::new(container)),
                    Err(why) => {
                        tried.push(why);
                        Origin::Started(S::start_shared(install::programs(S::KIND, S::programs, tried)?)?)
                    }
                }
            }
        };
        Ok(Self { origin })
    }

    /// The URL of one of its databases, as a user who may create others.
    pub(crate) fn url(&self) -> &str {
        match &self.origin {
            Origin::Given(url) => url,
            Origin::Started(server) => server.url(),
            Origin::Container(container) => S::container_url(container),
        }
    }
}

impl<S: Shareable> fmt::Display for Source<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = without_password(self.url());
        match self.origin {
            Origin::Given(_) => write!(f, "{url}, given by {}", S::KIND.variable().unwrap_or_default()),
            Origin::Started(_) => write!(f, "{url}, started for the tests"),
            Origin::Container(_) => write!(f, "{url}, in a container"),
        }
    }
}
