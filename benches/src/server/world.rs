use tokio::sync::OnceCell;

use super::mariadb::MariaDb;
use super::postgres::Postgres;
use crate::failure::Failure;
use crate::limit::{LoggingServer, OwnDrain};

/// The servers of a run: each is started when it is asked for first, and ends with this value.
#[derive(Debug, Default)]
pub struct World {
    postgres: OnceCell<Postgres>,
    mariadb: OnceCell<MariaDb>,
    logging: OnceCell<LoggingServer>,
    own_drain: OnceCell<OwnDrain>,
}

impl World {
    /// None is started yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The Postgres server.
    ///
    /// # Cancel safety
    ///
    /// A dropped call ends what it has started.
    pub async fn postgres(&self) -> Result<&Postgres, Failure> {
        self.postgres.get_or_try_init(|| Postgres::start(&[])).await
    }

    /// The MariaDB server.
    ///
    /// # Cancel safety
    ///
    /// A dropped call ends what it has started.
    pub async fn mariadb(&self) -> Result<&MariaDb, Failure> {
        self.mariadb.get_or_try_init(MariaDb::start).await
    }

    /// A Postgres server that logs every statement: for what our stores send, not for how fast.
    pub(crate) async fn logging(&self) -> Result<&LoggingServer, Failure> {
        self.logging.get_or_try_init(LoggingServer::start).await
    }

    /// What our store sends to settle a batch and claim the next.
    pub(crate) async fn own_drain(&self) -> Result<&OwnDrain, Failure> {
        self.own_drain.get_or_try_init(async || OwnDrain::capture(self.logging().await?).await).await
    }

    /// The servers that run, with what is to be said of them.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let postgres = self.postgres.get().map(Postgres::settings).unwrap_or_default();
        let postgres = postgres.iter().map(|(name, value)| (format!("postgres {name}"), value.clone()));
        let mariadb = self.mariadb.get().map(|server| ("mariadb version".to_owned(), server.version().to_owned()));
        postgres.chain(mariadb).collect()
    }
}
