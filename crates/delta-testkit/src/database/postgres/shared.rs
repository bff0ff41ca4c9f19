use std::fmt;
use std::sync::OnceLock;

use super::super::blocking::blocking;
use super::super::container::Container;
use super::super::source::{Shareable, Source};
use super::super::{DatabaseError, ServerKind};
use super::admin::Admin;
use super::image::PostgresImage;
use super::programs::Programs;
use super::server::PostgresServer;

/// The Postgres server that all tests of this process share.
///
/// A test that kills or reconfigures its server starts one with [`PostgresServer::start_private`].
#[derive(Debug)]
pub struct SharedPostgres {
    source: Source<PostgresServer>,
}

impl SharedPostgres {
    /// The URL of one of its databases, as a user who may create others.
    #[must_use]
    pub fn url(&self) -> &str {
        self.source.url()
    }
}

impl fmt::Display for SharedPostgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Shareable for PostgresServer {
    const KIND: ServerKind = ServerKind::Postgres;
    type Programs = Programs;
    type Container = Container<PostgresImage>;

    fn programs() -> Result<Programs, String> {
        Programs::find()
    }

    fn start_shared(programs: Programs) -> Result<Self, DatabaseError> {
        Self::start(programs, vec![])
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
pub async fn postgres() -> Result<&'static SharedPostgres, DatabaseError> {
    blocking(postgres_blocking).await
}

/// [`postgres`] for callers without a runtime; blocks the thread.
pub fn postgres_blocking() -> Result<&'static SharedPostgres, DatabaseError> {
    static SHARED: OnceLock<Result<SharedPostgres, DatabaseError>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| Ok(SharedPostgres { source: Source::get()? }));
    shared.as_ref().map_err(Clone::clone)
}
