use std::fmt;
use std::time::Duration;

use delta_core::Result;
use delta_sql::postgres::PgSettings;

use super::address::Address;
use super::connector::Connector;
use super::store::PgDieselStore;
use crate::pool::{PoolSettings, Recycling};

/// Where a [`PgDieselStore`] lives, and how it behaves.
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// use std::time::Duration;
/// use delta_store_diesel::{PgDieselOptions, PgSettings};
///
/// let store = PgDieselOptions::new("postgres://app@db.example/app?sslmode=verify-full")
///     .settings(PgSettings::new().schema("sync")?)
///     .connections(20)
///     .wait_timeout(Duration::from_secs(2))
///     .connect()
///     .await?;
/// # store.close();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PgDieselOptions {
    url: String,
    settings: PgSettings,
    pool: PoolSettings,
    application_name: String,
}

impl PgDieselOptions {
    /// The defaults, for the database that a URL names: `postgres://user:password@host:port/database`, or
    /// `postgres://user@%2Frun%2Fpostgresql/database` for a Unix socket in a folder.
    ///
    /// Parameters are those of [`tokio_postgres::Config`], and two more:
    ///
    /// - `sslmode`: `disable`, `prefer` (encrypted if the server can; the default), `require` (encrypted, to whomever), or
    ///   `verify-full` (encrypted, to a host that its certificate names). `allow` and `verify-ca` are refused.
    /// - `sslrootcert`: with `verify-full`, a file of the certificates to trust, instead of those that browsers trust.
    ///
    /// What the URL leaves out is not taken from the environment.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            settings: PgSettings::new(),
            pool: PoolSettings::default(),
            application_name: "delta".to_owned(),
        }
    }

    /// What does not depend on the pool.
    #[must_use]
    pub fn settings(mut self, settings: PgSettings) -> Self {
        self.settings = settings;
        self
    }

    /// How many connections the pool may have, the one that listens left out: 10 by default, and at least 1.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.pool.connections = usize::try_from(connections.max(1)).unwrap_or(usize::MAX);
        self
    }

    /// How long to wait for a connection while all are in use: 5 s by default. `Unavailable` after that.
    #[must_use]
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.pool.wait_timeout = timeout;
        self
    }

    /// How long making a connection may take: 5 s by default. `Unavailable` after that.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.pool.connect_timeout = timeout;
        self
    }

    /// How long testing an idle connection may take: 5 s by default. It is replaced after that.
    #[must_use]
    pub fn recycle_timeout(mut self, timeout: Duration) -> Self {
        self.pool.recycle_timeout = timeout;
        self
    }

    /// When an idle connection is tested before its next use: [`Recycling::Fast`] by default.
    #[must_use]
    pub fn recycling(mut self, recycling: Recycling) -> Self {
        self.pool.recycling = recycling;
        self
    }

    /// What the server calls the sessions, for example in `pg_stat_activity`, unless the URL says: `delta` by default.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self
    }

    /// Connects; see [`PgDieselStore::connect`].
    pub async fn connect(self) -> Result<PgDieselStore> {
        let address = Address::parse(&self.url, &self.application_name, self.pool.connect_timeout)?;
        let connector = Connector::new(address, self.settings.keeps_statements());
        PgDieselStore::open(connector, self.pool, self.settings).await
    }
}

impl fmt::Debug for PgDieselOptions {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgDieselOptions")
            .field("settings", &self.settings)
            .field("pool", &self.pool)
            .field("application_name", &self.application_name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_stated() {
        let options = PgDieselOptions::new("postgres://localhost");
        assert_eq!(options.pool.connections, 10);
        assert_eq!(options.pool.wait_timeout, Duration::from_secs(5));
        assert_eq!(options.pool.connect_timeout, Duration::from_secs(5));
        assert_eq!(options.pool.recycle_timeout, Duration::from_secs(5));
        assert_eq!(options.pool.recycling, Recycling::Fast);
        assert_eq!(options.application_name, "delta");
        assert_eq!(options.connections(0).pool.connections, 1);
    }

    #[test]
    fn no_debug_text_shows_a_password() {
        assert!(!format!("{:?}", PgDieselOptions::new("postgres://u:secret@h/d")).contains("secret"));
    }
}
