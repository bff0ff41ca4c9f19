use std::fmt;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::mysql::{MySqlSettings, SESSION};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{Connection as _, Executor};

use super::store::MySqlStore;

/// Where a [`MySqlStore`] lives, and how it behaves.
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// use std::time::Duration;
/// use delta_store_sqlx::{MySqlOptions, MySqlSettings};
///
/// let store = MySqlOptions::new("mysql://app@db.example/app")
///     .settings(MySqlSettings::new().table_prefix("sync")?)
///     .connections(20)
///     .acquire_timeout(Duration::from_secs(2))
///     .connect()
///     .await?;
/// # store.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MySqlOptions {
    url: String,
    settings: MySqlSettings,
    connections: u32,
    acquire_timeout: Duration,
}

impl MySqlOptions {
    /// The defaults, for the database that a URL names: `mysql://user:password@host:port/database`, or `mariadb://` with the
    /// same.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            settings: MySqlSettings::new(),
            connections: 10,
            acquire_timeout: Duration::from_secs(5),
        }
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
        self.connections = connections.max(1);
        self
    }

    /// How long to wait for a connection, new or free: 5 s by default. `Unavailable` after that.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// Connects; see [`MySqlStore::connect`].
    pub async fn connect(self) -> Result<MySqlStore> {
        let options = self.connect_options()?;
        MySqlStore::open(self.pool_options(), options, self.settings).await
    }

    fn pool_options(&self) -> MySqlPoolOptions {
        MySqlPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(self.acquire_timeout)
            // A ping at each acquire costs a tenth of a small claim. A connection that broke is found by its first use;
            // `connection.rs` sees to it that it is the last that does.
            .test_before_acquire(false)
            .after_connect(|conn, _| Box::pin(async move { conn.execute(SESSION).await.map(drop) }))
            // Whoever dropped it has left its transaction open, with all that it has locked.
            .after_release(|conn, _| Box::pin(std::future::ready(Ok(!conn.is_in_transaction()))))
    }

    fn connect_options(&self) -> Result<MySqlConnectOptions> {
        let invalid = |found: String| {
            let what = format!("expected mysql://user:password@host:port/database, found {found}");
            Error::new(ErrorKind::Invalid, "database url", what)
        };
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("mysql" | "mariadb")) {
            return Err(invalid(scheme.map_or("no scheme".to_owned(), |scheme| format!("the scheme {scheme:?}"))));
        }
        // The parser's own words name at most one parameter; the URL itself, and with it a password, is never shown.
        let options: MySqlConnectOptions = self.url.parse().map_err(|error: sqlx::Error| invalid(error.to_string()))?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(invalid("no database".to_owned()));
        }
        // What the session is told says it all; see `SESSION`. Texts of several sizes are kept prepared.
        let options = options.pipes_as_concat(false).no_engine_substitution(false).timezone(None);
        Ok(options.statement_cache_capacity(STATEMENTS))
    }
}

/// How many statements a connection keeps prepared: all there are, most of which it never comes to use.
const STATEMENTS: usize = 256;

impl fmt::Debug for MySqlOptions {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlOptions")
            .field("settings", &self.settings)
            .field("connections", &self.connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_stated() {
        let options = MySqlOptions::new("mysql://localhost/app");
        assert_eq!(options.settings.prefix().as_str(), "delta");
        assert_eq!(options.connections, 10);
        assert_eq!(options.acquire_timeout, Duration::from_secs(5));
        assert_eq!(options.connections(0).connections, 1);
        assert!(MySqlOptions::new("mariadb://localhost/app").connect_options().is_ok());
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for url in [
            "",
            "secret",
            "postgres://root:secret@localhost/x",
            "mysql://u:secret@h:port/d",
            "mysql://u:secret@h",
            "mysql://u:secret@h/",
            "mysql://u:secret@h/d?ssl-mode=perhaps",
        ] {
            let error = MySqlOptions::new(url).connect_options().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn no_debug_text_shows_a_password() {
        assert!(!format!("{:?}", MySqlOptions::new("mysql://u:secret@h/d")).contains("secret"));
    }
}
