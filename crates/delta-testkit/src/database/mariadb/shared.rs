use std::fmt;
use std::sync::OnceLock;

use super::super::blocking::blocking;
use super::super::container::Container;
use super::super::source::{Shareable, Source};
use super::super::{DatabaseError, ServerKind};
use super::admin::Admin;
use super::image::MariaDbImage;
use super::programs::Programs;
use super::server::MariaDbServer;

/// What a shared server need not keep when the machine loses power: the tests are over then.
const FAST: [(&str, &str); 2] = [("innodb-flush-log-at-trx-commit", "0"), ("innodb-doublewrite", "OFF")];

/// The MariaDB server that all tests of this process share.
///
/// A test that kills or reconfigures its server starts one with [`MariaDbServer::start_private`].
#[derive(Debug)]
pub struct SharedMariaDb {
    source: Source<MariaDbServer>,
}

impl SharedMariaDb {
    /// The URL of one of its databases, as a user who may create others.
    #[must_use]
    pub fn url(&self) -> &str {
        self.source.url()
    }
}

impl fmt::Display for SharedMariaDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

fn fast() -> Vec<(String, String)> {
    FAST.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Shareable for MariaDbServer {
    const KIND: ServerKind = ServerKind::MariaDb;
    type Programs = Programs;
    type Container = Container<MariaDbImage>;

    fn programs() -> Result<Programs, String> {
        Programs::find()
    }

    fn start_shared(programs: Programs) -> Result<Self, DatabaseError> {
        Self::start(programs, fast())
    }

    fn url(&self) -> &str {
        self.url()
    }

    fn contain() -> Result<Result<Self::Container, String>, DatabaseError> {
        Container::start()
    }

    fn container_url(container: &Self::Container) -> &str {
        container.url()
    }

    fn sweep(url: &str) -> Result<(), DatabaseError> {
        Admin { url }.sweep()
    }
}

/// Gets the shared server; the first call finds or starts it, see the [module](crate::database).
///
/// # Errors
///
/// A failed start is remembered: every later call returns the same error.
///
/// # Cancel safety
///
/// A dropped call gets the server ready all the same, for the next.
pub async fn mariadb() -> Result<&'static SharedMariaDb, DatabaseError> {
    blocking(mariadb_blocking).await
}

/// [`mariadb`] for callers without a runtime; blocks the thread.
pub fn mariadb_blocking() -> Result<&'static SharedMariaDb, DatabaseError> {
    static SHARED: OnceLock<Result<SharedMariaDb, DatabaseError>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| Ok(SharedMariaDb { source: Source::get()? }));
    shared.as_ref().map_err(Clone::clone)
}
