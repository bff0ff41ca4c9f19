use delta_testkit::database::{MariaDbDatabase, PostgresDatabase};
use tempfile::TempDir;

use super::backend::Backend;
use super::postgres::Postgres;
use super::world::World;
use crate::failure::Failure;

/// A fresh database of one subject and round; gone with this value.
#[derive(Debug)]
pub struct Place {
    backend: Backend,
    url: String,
    _database: Database,
}

#[derive(Debug)]
#[expect(dead_code, reason = "they are kept, and dropped")]
enum Database {
    Postgres(PostgresDatabase),
    MariaDb(MariaDbDatabase),
    File(TempDir),
    Memory,
}

impl Place {
    /// Makes one.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves no database.
    pub async fn create(world: &World, backend: Backend) -> Result<Self, Failure> {
        let (url, database) = match backend {
            Backend::SqlxPostgres | Backend::DieselPostgres => {
                let database = world.postgres().await?.database().await?;
                (database.url().to_owned(), Database::Postgres(database))
            }
            Backend::SqlxMysql | Backend::DieselMysql => {
                let database = world.mariadb().await?.database().await?;
                (database.url().to_owned(), Database::MariaDb(database))
            }
            Backend::SqlxSqlite => {
                let directory = tempfile::Builder::new().prefix("delta-load-").tempdir()?;
                let path = directory.path().join("delta.db").display().to_string();
                (path, Database::File(directory))
            }
            Backend::Memory => (String::new(), Database::Memory),
        };
        Ok(Self { backend, url, _database: database })
    }

    /// Whose it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// What [`with_store`](crate::with_store) opens: a URL, or the path of a file.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Does what would else happen in the middle of what is measured, after a load: see [`Postgres::settle`].
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have done a part.
    pub async fn settle(&self) -> Result<(), Failure> {
        match self.backend {
            Backend::SqlxPostgres | Backend::DieselPostgres => Postgres::settle(&self.url).await,
            _ => Ok(()),
        }
    }
}
