use std::fmt;
use std::time::Duration;

use delta_core::Result;
use delta_sql::mysql::MySqlSettings;

use super::address;
use super::connector::Connector;
use super::store::MySqlDieselStore;
use crate::pool::{PoolSettings, Recycling};

/// Where a [`MySqlDieselStore`] lives, and how it behaves.
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// use std::time::Duration;
/// use delta_store_diesel::{MySqlDieselOptions, MySqlSettings};
///
/// let store = MySqlDieselOptions::new("mysql://app@db.example/app?ssl-mode=VERIFY_IDENTITY")
///     .settings(MySqlSettings::new().table_prefix("sync")?)
///     .connections(20)
///     .wait_timeout(Duration::from_secs(2))
///     .connect()
///     .await?;
/// # store.close();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MySqlDieselOptions {
    url: String,
    settings: MySqlSettings,
    pool: PoolSettings,
}

impl MySqlDieselOptions {
    /// The defaults, for the database that a URL names: `mysql://user:password@host:port/database`, or `mariadb://…`.
    ///
    /// Parameters are those of [`mysql_async::Opts`], and two more:
    ///
    /// - `ssl-mode`: `DISABLED` (the default), `REQUIRED` (encrypted, to whomever), `VERIFY_CA` (encrypted, to somebody with
    ///   a certificate that is trusted), or `VERIFY_IDENTITY` (encrypted, to a host that its certificate names).
    ///   `PREFERRED` is refused: the driver does not know it.
    /// - `ssl-ca`: a file of the certificates to trust as well.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), settings: MySqlSettings::new(), pool: PoolSettings::default() }
    }

    /// What does not depend on the pool.
    #[must_use]
    pub fn settings(mut self, settings: MySqlSettings) -> Self {
        self.settings = settings;
        self
    }

    /// How many connections the pool may have: 10 by default, and at least 1.
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

    /// Connects; see [`MySqlDieselStore::connect`].
    pub async fn connect(self) -> Result<MySqlDieselStore> {
        let connector = Connector { opts: address::parse(&self.url)?, url: self.url.into() };
        MySqlDieselStore::open(connector, self.pool, self.settings).await
    }
}

impl fmt::Debug for MySqlDieselOptions {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlDieselOptions")
            .field("settings", &self.settings)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_stated() {
        let options = MySqlDieselOptions::new("mysql://localhost");
        assert_eq!(options.pool.connections, 10);
        assert_eq!(options.pool.wait_timeout, Duration::from_secs(5));
        assert_eq!(options.pool.connect_timeout, Duration::from_secs(5));
        assert_eq!(options.pool.recycle_timeout, Duration::from_secs(5));
        assert_eq!(options.pool.recycling, Recycling::Fast);
        assert_eq!(options.connections(0).pool.connections, 1);
    }

    #[test]
    fn no_debug_text_shows_a_password() {
        assert!(!format!("{:?}", MySqlDieselOptions::new("mysql://u:secret@h/d")).contains("secret"));
    }
}
