use delta_testkit::database::{MariaDbDatabase, MariaDbServer};
use sqlx::{Connection as _, MySqlConnection};

use crate::failure::Failure;

/// A MariaDB server in its default configuration.
#[derive(Debug)]
pub struct MariaDb {
    server: MariaDbServer,
    version: String,
}

impl MariaDb {
    /// Starts one.
    ///
    /// # Cancel safety
    ///
    /// A dropped call ends what it has started.
    pub async fn start() -> Result<Self, Failure> {
        let server = MariaDbServer::start_private(&[]).await?;
        let mut conn = MySqlConnection::connect(server.url()).await?;
        let version = sqlx::query_scalar("SELECT version()").fetch_one(&mut conn).await?;
        conn.close().await?;
        Ok(Self { server, version })
    }

    /// Where to make databases.
    #[must_use]
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A fresh database.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves no database.
    pub async fn database(&self) -> Result<MariaDbDatabase, Failure> {
        Ok(MariaDbDatabase::create_on(self.url()).await?)
    }
}
