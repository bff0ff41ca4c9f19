use std::ops::AsyncFnOnce;
use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::super::blocking::apart;
use super::super::name::DatabaseName;
use super::super::url::{with_database, without_password};
use super::super::{DatabaseError, ServerKind};

/// How long a server may take to let us in.
const CONNECT: Duration = Duration::from_secs(30);

/// How often a database is tried to be dropped, a second each, while those who are connected to it are thrown out.
const DROPS: u32 = 60;

/// The error of a server that waited for a lock in vain.
const LOCK_WAIT_TIMEOUT: u16 = 1205;

/// The error of killing a connection that has ended.
const NO_SUCH_THREAD: u16 = 1094;

/// The server side of tests' databases. Each call blocks.
pub(super) struct Admin<'a> {
    /// A server, with any of its databases.
    pub(super) url: &'a str,
}

impl Admin<'_> {
    /// Makes a database and returns its name.
    pub(super) fn create(&self) -> Result<DatabaseName, DatabaseError> {
        self.run("create a database", async |connection| {
            let name = DatabaseName::unique(now(connection).await?);
            // Its collation is the server's for utf8mb4, which folds case: what relies on bytes must say so.
            let create = format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4");
            connection.execute(AssertSqlSafe(create)).await?;
            Ok(name)
        })
    }

    /// Drops a database, whoever is connected to it.
    pub(super) fn drop(&self, name: DatabaseName) -> Result<(), DatabaseError> {
        self.run("drop a database", async |connection| drop_database(connection, name).await)
    }

    /// Drops the databases that ended runs have left.
    pub(super) fn sweep(&self) -> Result<(), DatabaseError> {
        self.run("drop what earlier runs left", async |connection| {
            let now = now(connection).await?;
            // As bytes: MySQL says that the names are.
            let query = "SELECT CAST(schema_name AS BINARY) FROM information_schema.schemata";
            let found: Vec<Vec<u8>> = sqlx::query_scalar(query).fetch_all(&mut *connection).await?;
            for name in found.iter().filter_map(|name| DatabaseName::parse(&String::from_utf8_lossy(name))) {
                if !name.is_leftover(now) {
                    continue;
                }
                // Another run may be dropping it too, or may not have let us.
                if let Err(error) = drop_database(connection, name).await {
                    eprintln!("delta-testkit: left the old database {name}: {error}");
                }
            }
            Ok(())
        })
    }

    fn run<T: Send>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, sqlx::Error> + Send,
    ) -> Result<T, DatabaseError> {
        let options = options(self.url)?;
        apart(async || {
            let mut connection = connect(&options, self.url).await?;
            let outcome = work(&mut connection).await;
            let _ = connection.close().await;
            outcome.map_err(|source| DatabaseError::Statement { doing: doing.to_owned(), source: Arc::new(source) })
        })
    }
}

/// Reads a URL.
pub(super) fn options(url: &str) -> Result<MySqlConnectOptions, DatabaseError> {
    let invalid = |source| DatabaseError::InvalidUrl { kind: ServerKind::MariaDb, source: Arc::new(source) };
    let options = url.parse().map_err(invalid)?;
    // The driver takes the URL of anything.
    match url.split_once("://") {
        Some(("mysql" | "mariadb", _)) => Ok(options),
        _ => Err(invalid(sqlx::Error::Configuration("expected the scheme mysql or mariadb".into()))),
    }
}

/// Connects, in a bounded time.
pub(super) async fn connect(options: &MySqlConnectOptions, url: &str) -> Result<MySqlConnection, DatabaseError> {
    tokio::time::timeout(CONNECT, MySqlConnection::connect_with(options))
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
        .map_err(|source| DatabaseError::Unreachable {
            kind: ServerKind::MariaDb,
            url: without_password(url),
            source: Arc::new(source),
        })
}

/// The URL of a test's database.
pub(super) fn url_of(server: &str, name: DatabaseName) -> String {
    with_database(server, &name.to_string())
}

async fn now(connection: &mut MySqlConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(UNIX_TIMESTAMP() AS SIGNED)").fetch_one(connection).await
}

/// A transaction that has touched a table of the database holds the drop up, so whoever is connected is thrown out first.
async fn drop_database(connection: &mut MySqlConnection, name: DatabaseName) -> Result<(), sqlx::Error> {
    connection.execute("SET SESSION lock_wait_timeout = 1").await?;
    let mut tries = 1;
    loop {
        let users = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?";
        let users: Vec<i64> = sqlx::query_scalar(users).bind(name.to_string()).fetch_all(&mut *connection).await?;
        for user in users {
            match connection.execute(AssertSqlSafe(format!("KILL {user}"))).await {
                Err(error) if number(&error) != Some(NO_SUCH_THREAD) => return Err(error),
                _ => {}
            }
        }
        let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS `{name}`"));
        match connection.execute(drop).await {
            Ok(_) => return Ok(()),
            // Somebody has connected meanwhile, or has not noticed yet.
            Err(error) if number(&error) == Some(LOCK_WAIT_TIMEOUT) && tries < DROPS => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?;
    Some(error.number())
}
