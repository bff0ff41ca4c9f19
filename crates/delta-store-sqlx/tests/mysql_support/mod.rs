//! A database of its own for each test.

use delta_core::{Error, ErrorKind, Migrate, ResourceId, Result, Target};
use delta_store_sqlx::sqlx::mysql::MySqlPool;
use delta_store_sqlx::sqlx::{self, MySql, MySqlConnection, Transaction};
use delta_store_sqlx::{MySqlSettings, MySqlStore};
use delta_testkit::Backend;
use delta_testkit::contract::{Executed, Fixture, Keep};
use delta_testkit::database::MariaDbDatabase;

/// A store on an empty database.
pub(crate) struct Server {
    pub(crate) store: MySqlStore,
    pub(crate) database: MariaDbDatabase,
}

impl Server {
    /// A store on a database of the shared server, migrated.
    pub(crate) async fn fixture() -> Self {
        Self::with(MySqlSettings::new()).await
    }

    /// The same, with settings.
    pub(crate) async fn with(settings: MySqlSettings) -> Self {
        let database = MariaDbDatabase::create().await.expect("a database");
        let store = MySqlStore::options(database.url()).settings(settings).connect().await.expect("a store");
        store.migrate_to(Target::Latest).await.expect("a schema");
        Self { store, database }
    }

    /// Runs statements of the test's own, on a connection of its own.
    pub(crate) async fn run(&self, statements: &str) {
        let pool = MySqlPool::connect(self.database.url()).await.expect("a connection");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&pool).await.expect("a statement");
        pool.close().await;
    }
}

fn failed(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "end", error)
}

impl Fixture for Server {
    type Store = MySqlStore;
    type Tx = Transaction<'static, MySql>;

    fn backend() -> Option<Backend> {
        Some(Backend::MariaDb)
    }

    fn store_name(&self) -> Option<&'static str> {
        Some("sqlx: MariaDB")
    }

    fn store(&self) -> &MySqlStore {
        &self.store
    }

    async fn begin(&self) -> Result<Self::Tx> {
        self.store.begin().await
    }

    async fn end(&self, tx: Self::Tx, keep: Keep) -> Result<()> {
        match keep {
            Keep::Commit => tx.commit().await.map_err(failed),
            Keep::Rollback => tx.rollback().await.map_err(failed),
        }
    }

    async fn set_state(&self, id: ResourceId, state: &str) -> Result<()> {
        // As the migration of a newer program that knows more states would.
        let widened = format!(
            "ALTER TABLE delta_resource DROP CONSTRAINT delta_resource_state; \
             UPDATE delta_resource SET state = '{state}' WHERE id = {id}"
        );
        self.run(&widened).await;
        Ok(())
    }

    async fn execute(&self, conn: &mut MySqlConnection, statements: &str) -> Result<Executed> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(conn).await.map_err(failed)?;
        Ok(Executed::Done)
    }
}
