//! A database of its own for each test.

use std::ops::{Deref, DerefMut};

use delta_core::{Access, Error, ErrorKind, Migrate, ResourceId, Result, Store, Target};
use delta_store_diesel::diesel_async::pooled_connection::deadpool::Object;
use delta_store_diesel::diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection, TransactionManager,
};
use delta_store_diesel::{MySqlDieselStore, MySqlSettings};
use delta_testkit::Backend;
use delta_testkit::contract::{Executed, Fixture, Keep};
use delta_testkit::database::MariaDbDatabase;

/// A store on an empty database.
pub(crate) struct Server {
    pub(crate) store: MySqlDieselStore,
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
        let store = MySqlDieselStore::options(database.url()).settings(settings).connect().await.expect("a store");
        store.migrate_to(Target::Latest).await.expect("a schema");
        Self { store, database }
    }

    /// Runs statements of the test's own, on a connection of its own.
    pub(crate) async fn run(&self, statements: &str) {
        let mut conn = AsyncMysqlConnection::establish(self.database.url()).await.expect("a connection");
        conn.batch_execute(statements).await.expect("statements");
    }
}

/// A transaction of the test's, which is undone if it is dropped: its pool throws the connection away.
pub(crate) struct Tx(Object<AsyncMysqlConnection>);

impl Deref for Tx {
    type Target = AsyncMysqlConnection;

    fn deref(&self) -> &AsyncMysqlConnection {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AsyncMysqlConnection {
        &mut self.0
    }
}

fn failed(error: delta_store_diesel::diesel::result::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "transaction", error)
}

impl Fixture for Server {
    type Store = MySqlDieselStore;
    type Tx = Tx;

    fn backend() -> Option<Backend> {
        Some(Backend::MariaDb)
    }

    fn store_name(&self) -> Option<&'static str> {
        Some("diesel: MariaDB")
    }

    fn store(&self) -> &MySqlDieselStore {
        &self.store
    }

    async fn begin(&self) -> Result<Tx> {
        let mut conn = self.store.acquire(Access::Write).await?;
        AnsiTransactionManager::begin_transaction(&mut *conn).await.map_err(failed)?;
        Ok(Tx(conn))
    }

    async fn end(&self, mut tx: Tx, keep: Keep) -> Result<()> {
        let conn: &mut AsyncMysqlConnection = &mut tx;
        match keep {
            Keep::Commit => AnsiTransactionManager::commit_transaction(conn).await.map_err(failed),
            Keep::Rollback => AnsiTransactionManager::rollback_transaction(conn).await.map_err(failed),
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

    async fn execute(&self, conn: &mut AsyncMysqlConnection, statements: &str) -> Result<Executed> {
        conn.batch_execute(statements).await.map_err(failed)?;
        Ok(Executed::Done)
    }
}
