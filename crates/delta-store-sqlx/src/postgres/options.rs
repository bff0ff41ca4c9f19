use std::fmt;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::postgres::PgSettings;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::store::PgStore;

/// Where a [`PgStore`] lives, and how it behaves.
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// use std::time::Duration;
/// use delta_store_sqlx::{PgOptions, PgSettings};
///
/// let store = PgOptions::new("postgres://app@db.example/app")
///     .settings(PgSettings::new().schema("sync")?)
///     .connections(20)
///     .acquire_timeout(Duration::from_secs(2))
///     .connect()
///     .await?;
/// # store.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PgOptions {
    url: String,
    settings: PgSettings,
    connections: u32,
    acquire_timeout: Duration,
    application_name: String,
}

impl PgOptions {
    /// The defaults, for the database that a URL names: `postgres://user:password@host:port/database`.
    ///
    /// What the URL leaves out is taken from the environment (`PGHOST`, `PGUSER`, `PGPASSWORD` and so on) and from a
    /// password file, as `psql` does.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            settings: PgSettings::new(),
            connections: 10,
            acquire_timeout: Duration::from_secs(5),
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
        self.connections = connections.max(1);
        self
    }

    /// How long to wait for a connection, new or free: 5 s by default. `Unavailable` after that.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// What the server calls the sessions, for example in `pg_stat_activity`: `delta` by default.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self
    }

    /// Connects; see [`PgStore::connect`].
    pub async fn connect(self) -> Result<PgStore> {
        let options = self.connect_options()?;
        PgStore::open(self.pool_options(), options, self.settings).await
    }

    fn pool_options(&self) -> PgPoolOptions {
        PgPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(self.acquire_timeout)
            // A ping at each acquire costs a tenth of a small claim. A connection that broke is found by its first use;
            // `connection.rs` sees to it that it is the last that does.
            .test_before_acquire(false)
            // Whoever dropped it has left its transaction open, with all that it has locked.
            .after_release(|conn, _| Box::pin(std::future::ready(Ok(!conn.is_in_transaction()))))
    }

    fn connect_options(&self) -> Result<PgConnectOptions> {
        let invalid = |found: String| {
            let what = format!("expected postgres://user:password@host:port/database, found {found}");
            Error::new(ErrorKind::Invalid, "database url", what)
        };
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("postgres" | "postgresql")) {
            return Err(invalid(scheme.map_or("no scheme".to_owned(), |scheme| format!("the scheme {scheme:?}"))));
        }
        // The parser's own words name at most one parameter; the URL itself, and with it a password, is never shown.
        let options: PgConnectOptions = self.url.parse().map_err(|error: sqlx::Error| invalid(error.to_string()))?;
        let options = options.application_name(&self.application_name);
        Ok(if self.settings.keeps_statements() { options } else { options.statement_cache_capacity(0) })
    }
}

impl fmt::Debug for PgOptions {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgOptions")
            .field("settings", &self.settings)
            .field("connections", &self.connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("application_name", &self.application_name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_stated() {
        let options = PgOptions::new("postgres://localhost");
        assert_eq!(options.connections, 10);
        assert_eq!(options.acquire_timeout, Duration::from_secs(5));
        assert_eq!(options.application_name, "delta");
        assert_eq!(options.connections(0).connections, 1);
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for url in [
            "",
            "secret",
            "mysql://root:secret@localhost/x",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h/d?sslmode=perhaps",
        ] {
            let error = PgOptions::new(url).connect_options().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn no_debug_text_shows_a_password() {
        assert!(!format!("{:?}", PgOptions::new("postgres://u:secret@h/d")).contains("secret"));
    }
}
