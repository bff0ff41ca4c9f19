use delta_testkit::database::{PostgresDatabase, PostgresServer};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::failure::Failure;

/// What a server for tests leaves out of durability, and what else it has otherwise than an installed one.
const AS_INSTALLED: [(&str, &str); 4] =
    [("fsync", "on"), ("full_page_writes", "on"), ("max_connections", "100"), ("dynamic_shared_memory_type", "posix")];

/// A Postgres server in its default configuration.
#[derive(Debug)]
pub struct Postgres {
    server: PostgresServer,
    settings: Vec<(String, String)>,
}

impl Postgres {
    /// Starts one, with what a scenario sets besides.
    ///
    /// # Cancel safety
    ///
    /// A dropped call ends what it has started.
    pub async fn start(settings: &[(&str, &str)]) -> Result<Self, Failure> {
        let server = PostgresServer::start_private(&[&AS_INSTALLED, settings].concat()).await?;
        let mut conn = PgConnection::connect(server.url()).await?;
        let settings = sqlx::query_as(
            "SELECT name, current_setting(name) FROM pg_settings \
             WHERE source NOT IN ('default', 'override', 'client', 'session') AND category NOT LIKE 'Client Connection%' \
             OR name IN ('server_version', 'synchronous_commit', 'fsync', 'shared_buffers', 'autovacuum') ORDER BY 1",
        )
        .fetch_all(&mut conn)
        .await?;
        conn.close().await?;
        Ok(Self { server, settings })
    }

    /// Where to make databases.
    #[must_use]
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// What it runs with: its version, and what is set.
    #[must_use]
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// A fresh database.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves no database.
    pub async fn database(&self) -> Result<PostgresDatabase, Failure> {
        Ok(PostgresDatabase::create_on(self.url()).await?)
    }

    /// Takes the sizes of what was loaded, and writes it to the disk: neither happens in what is measured then.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have done either.
    pub async fn settle(database_url: &str) -> Result<(), Failure> {
        let mut conn = PgConnection::connect(database_url).await?;
        for statement in ["ANALYZE", "CHECKPOINT"] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await?;
        }
        Ok(conn.close().await?)
    }
}
