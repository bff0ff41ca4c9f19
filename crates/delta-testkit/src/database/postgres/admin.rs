use std::ops::AsyncFnOnce;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use super::super::blocking::apart;
use super::super::name::DatabaseName;
use super::super::url::{with_database, without_password};
use super::super::{DatabaseError, ServerKind};

/// How long a server may take to let us in.
const CONNECT: Duration = Duration::from_secs(30);

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
            // The template that nobody may be connected to, which would be an error.
            let create = format!(r#"CREATE DATABASE "{name}" TEMPLATE template0"#);
            connection.execute(AssertSqlSafe(create)).await?;
            Ok(name)
        })
    }

    /// Drops a database, whoever is connected to it.
    pub(super) fn drop(&self, name: DatabaseName) -> Result<(), DatabaseError> {
        self.run("drop a database", async |connection| {
            connection.execute(AssertSqlSafe(drop_statement(name))).await?;
            Ok(())
        })
    }

    /// Drops the databases that ended runs have left.
    pub(super) fn sweep(&self) -> Result<(), DatabaseError> {
        self.run("drop what earlier runs left", async |connection| {
            let now = now(connection).await?;
            let rows = sqlx::query("SELECT datname FROM pg_database").fetch_all(&mut *connection).await?;
            for row in rows {
                let found: String = row.try_get(0)?;
                let Some(name) = DatabaseName::parse(&found) else {
                    continue;
                };
                if !name.is_leftover(now) {
                    continue;
                }
                // Another run may be dropping it too, or may not have let us.
                if let Err(error) = connection.execute(AssertSqlSafe(drop_statement(name))).await {
                    eprintln!("delta-testkit: left the old database {name}: {error}");
                }
            }
            Ok(())
        })
    }

    /// Runs statements on a connection of their own.
    pub(super) fn run<T: Send>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error> + Send,
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
pub(super) fn options(url: &str) -> Result<PgConnectOptions, DatabaseError> {
    url.parse().map_err(|source| DatabaseError::InvalidUrl { kind: ServerKind::Postgres, source: Arc::new(source) })
}

/// Connects, in a bounded time.
pub(super) async fn connect(options: &PgConnectOptions, url: &str) -> Result<PgConnection, DatabaseError> {
    tokio::time::timeout(CONNECT, PgConnection::connect_with(options))
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
        .map_err(|source| DatabaseError::Unreachable {
            kind: ServerKind::Postgres,
            url: without_password(url),
            source: Arc::new(source),
        })
}

/// The URL of a test's database.
pub(super) fn url_of(server: &str, name: DatabaseName) -> String {
    with_database(server, &name.to_string())
}

async fn now(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint").fetch_one(connection).await
}

fn drop_statement(name: DatabaseName) -> String {
    format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#)
}
