use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::super::account::Account;
use super::super::blocking::blocking;
use super::super::daemon::Daemon;
use super::super::sandbox::Sandbox;
use super::super::{DatabaseError, ServerKind, install};
use super::initialise::initialise;
use super::launch::Launch;
use super::programs::Programs;

/// The first of these is who runs a server for root.
pub(super) const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// A Postgres server of one test, to be killed and restarted.
///
/// It listens on 127.0.0.1, on a port that stays the same over restarts. Its databases have a collation that is not that
/// of bytes where the installation offers one, as most servers in use have.
///
/// # Guarantees
///
/// The server ends and its directory goes when the value is dropped, and when the process ends in any way.
///
/// # Examples
///
/// ```no_run
/// # use delta_testkit::database::{DatabaseError, PostgresServer};
/// # async fn test() -> Result<(), DatabaseError> {
/// let server = PostgresServer::start_private(&[("synchronous_commit", "off")]).await?;
/// // Write to a database at `server.url()`.
/// server.kill9()?;
/// server.restart().await?;
/// // See what is left.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PostgresServer {
    pub(super) daemon: Arc<Daemon<Launch>>,
    pub(super) url: String,
    /// The URL of the server that this one is the standby of.
    pub(super) primary: Option<String>,
}

impl PostgresServer {
    /// Starts a server of the installed programs, with settings as in `postgresql.conf`.
    ///
    /// By default `fsync` and `full_page_writes` are off, which `kill -9` does not notice, and 300 connections are allowed.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::NoServer`] if there are no programs, whatever `DELTA_TEST_POSTGRES_URL` says, unless they can be
    /// installed as for the shared server; [`DatabaseError::Program`] if they fail, for example at an unknown setting.
    ///
    /// # Cancel safety
    ///
    /// A dropped call ends what it has started.
    pub async fn start_private(settings: &[(&str, &str)]) -> Result<Self, DatabaseError> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        blocking(move || Self::start(install::programs(ServerKind::Postgres, Programs::find, vec![])?, settings)).await
    }

    /// The URL of its database `postgres`, as a superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.daemon.port()).into()
    }

    /// Kills the server, and on Linux every process of it, with `kill -9`.
    ///
    /// Returns when the server has ended. Does nothing if it does not run.
    pub fn kill9(&self) -> Result<(), DatabaseError> {
        self.daemon.kill9()
    }

    /// Stops the server as an administrator would who does not wait for clients: open transactions are rolled back.
    ///
    /// Returns when the server has ended. Does nothing if it does not run.
    ///
    /// # Cancel safety
    ///
    /// A dropped call stops the server all the same.
    pub async fn stop(&self) -> Result<(), DatabaseError> {
        let daemon = Arc::clone(&self.daemon);
        blocking(move || daemon.stop()).await
    }

    /// Starts the server again, after [`stop`](Self::stop) if it runs, and returns when it accepts connections.
    ///
    /// # Cancel safety
    ///
    /// A dropped call restarts the server all the same.
    pub async fn restart(&self) -> Result<(), DatabaseError> {
        let daemon = Arc::clone(&self.daemon);
        blocking(move || daemon.restart()).await
    }

    pub(super) fn start(programs: Programs, settings: Vec<(String, String)>) -> Result<Self, DatabaseError> {
        let account = Account::find(&ACCOUNTS)?;
        let sandbox = Sandbox::create("delta-postgres-", account)?;
        let password = initialise(&sandbox, account, &programs)?;
        let daemon = Daemon::start(Launch { programs, settings }, sandbox)?;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{}/postgres", daemon.port());
        Ok(Self { daemon: Arc::new(daemon), url, primary: None })
    }
}
