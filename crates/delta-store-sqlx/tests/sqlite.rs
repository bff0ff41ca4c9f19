//! The store in a SQLite file passes the whole contract, and does what the memory store does.
#![cfg(feature = "sqlite")]

use delta_core::{Error, ErrorKind, ResourceId, Result};
use delta_store_sqlx::{SqliteStore, SqliteTransaction, sqlx};
use delta_testkit::Backend;
use delta_testkit::contract::{Executed, Fixture, Keep};
use tempfile::TempDir;

/// A store in a directory that goes with it.
struct File {
    store: SqliteStore,
    _directory: TempDir,
}

impl File {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(directory.path().join("delta.db")).await.expect("a store");
        Self { store, _directory: directory }
    }
}

impl Fixture for File {
    type Store = SqliteStore;
    type Tx = SqliteTransaction;

    fn backend() -> Option<Backend> {
        Some(Backend::Sqlite)
    }

    fn store_name(&self) -> Option<&'static str> {
        Some("sqlx: SQLite")
    }

    fn store(&self) -> &SqliteStore {
        &self.store
    }

    async fn begin(&self) -> Result<SqliteTransaction> {
        self.store.begin().await
    }

    async fn end(&self, tx: SqliteTransaction, keep: Keep) -> Result<()> {
        match keep {
            Keep::Commit => tx.commit().await,
            Keep::Rollback => tx.rollback().await,
        }
    }

    async fn set_state(&self, id: ResourceId, state: &str) -> Result<()> {
        // A newer schema would allow its states; here the checks must look away.
        let mut tx = self.store.begin().await?;
        let update = "UPDATE delta_resource SET state = ?1 WHERE id = ?2";
        sqlx::query("PRAGMA ignore_check_constraints = ON").execute(&mut *tx).await.expect("no checks");
        sqlx::query(update).bind(state).bind(id.get()).execute(&mut *tx).await.expect("a state of a newer version");
        sqlx::query("PRAGMA ignore_check_constraints = OFF").execute(&mut *tx).await.expect("checks");
        tx.commit().await
    }

    async fn execute(&self, conn: &mut sqlx::SqliteConnection, statements: &str) -> Result<Executed> {
        let ran = sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(conn).await;
        ran.map(|_| Executed::Done).map_err(|failed| Error::new(ErrorKind::Invalid, "execute", failed))
    }
}

delta_testkit::store_contract!(File::new);

delta_testkit::restore_contract!(File::new);

delta_testkit::log_contract!(File::new);

delta_testkit::table_contract!(File::new);

delta_testkit::store_differential!(File::new);
