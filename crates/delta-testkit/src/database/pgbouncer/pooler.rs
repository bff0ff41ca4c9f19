use std::sync::Arc;

use super::super::account::Account;
use super::super::blocking::blocking;
use super::super::daemon::Daemon;
use super::super::sandbox::Sandbox;
use super::super::url::{Server, with_database};
use super::super::{DatabaseError, PostgresDatabase, ServerKind, install};
use super::launch::Launch;
use super::programs;

/// The first of these is who runs a pooler for root.
const ACCOUNTS: [&str; 3] = ["pgbouncer", "postgres", "nobody"];

/// `PgBouncer` in transaction mode, in front of every database of a Postgres server.
///
/// It listens on 127.0.0.1, on a port that stays the same over restarts, and asks for the server's own user and password.
/// What is prepared on one connection need not be there for the next statement, and LISTEN does not work: connect with the
/// statement cache and wake-ups turned off, or give the wake-ups the server's own URL.
///
/// # Guarantees
///
/// The pooler ends and its directory goes when the value is dropped, and when the process ends in any way. A test's
/// database can be dropped while it is in the pool.
///
/// # Examples
///
/// ```no_run
/// # use delta_testkit::database::DatabaseError;
/// use delta_testkit::Backend;
/// use delta_testkit::database::{PostgresDatabase, pgbouncer};
///
/// # async fn test() -> Result<(), DatabaseError> {
/// if !Backend::Postgres.enabled() {
///     return Ok(());
/// }
/// let database = PostgresDatabase::create().await?;
/// let url = pgbouncer().await?.url_of(&database);
/// // Connect to `url`, and keep `database` until the end of the test.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PgBouncer {
    daemon: Arc<Daemon<Launch>>,
    url: String,
}

impl PgBouncer {
    /// Starts a pooler in front of a server that tests may write to, with settings as in the section `[pgbouncer]` of its
    /// configuration.
    ///
    /// By default `pool_mode` is `transaction`, `default_pool_size` 20, `max_client_conn` 500, and
    /// `ignore_startup_parameters` is `extra_float_digits`, which drivers send.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::NoServer`] if there is no program, unless it can be installed with `apt-get`;
    /// [`DatabaseError::Program`] if it fails, for example at an unknown setting.
    ///
    /// # Cancel safety
    ///
    /// A dropped call ends what it has started.
    pub async fn start_private(server_url: &str, settings: &[(&str, &str)]) -> Result<Self, DatabaseError> {
        let server_url = server_url.to_owned();
        let settings: Vec<(String, String)> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        blocking(move || {
            let settings: Vec<(&str, &str)> =
                settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            Self::start(&server_url, &settings)
        })
        .await
    }

    /// The server's database `postgres`, through the pooler.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A database of the server, through the pooler.
    #[must_use]
    pub fn url_of(&self, database: &PostgresDatabase) -> String {
        with_database(&self.url, &database.name())
    }

    /// Kills the pooler with `kill -9`: every connection through it is lost.
    ///
    /// Returns when it has ended. Does nothing if it does not run.
    pub fn kill9(&self) -> Result<(), DatabaseError> {
        self.daemon.kill9()
    }

    /// Starts the pooler again, after ending it if it runs, and returns when it accepts connections.
    ///
    /// # Cancel safety
    ///
    /// A dropped call restarts the pooler all the same.
    pub async fn restart(&self) -> Result<(), DatabaseError> {
        let daemon = Arc::clone(&self.daemon);
        blocking(move || daemon.restart()).await
    }

    pub(super) fn start(server_url: &str, settings: &[(&str, &str)]) -> Result<Self, DatabaseError> {
        let program = install::programs(ServerKind::PgBouncer, programs::find, vec![])?;
        let server = Server::parse(ServerKind::Postgres, server_url)?;
        let account = Account::find(&ACCOUNTS)?;
        let sandbox = Sandbox::create("delta-pgbouncer-", account)?;
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let credentials = server.credentials.clone();
        let daemon = Daemon::start(Launch { program, account, server, settings }, sandbox)?;
        let url = format!("postgres://{credentials}@127.0.0.1:{}/postgres", daemon.port());
        Ok(Self { daemon: Arc::new(daemon), url })
    }
}
