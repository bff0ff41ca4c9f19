//! Transactions as a user of each store opens them.

use std::future::Future;
use std::ops::DerefMut;

use delta::core::{Access, Browse, Store};
use delta::{Error, ErrorKind, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, Result, SqliteStore};
use delta_store_diesel::diesel_async::{AnsiTransactionManager, TransactionManager as _};

pub(crate) trait LogStore: Browse + Clone {
    type Tx: DerefMut<Target = Self::Conn> + Send;

    fn begin_tx(&self) -> impl Future<Output = Result<Self::Tx>> + Send;
    fn commit_tx(tx: Self::Tx) -> impl Future<Output = Result<()>> + Send;
    fn rollback_tx(tx: Self::Tx) -> impl Future<Output = Result<()>> + Send;
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unavailable, "transaction", error)
}

macro_rules! sqlx_store {
    ($store:ty, $tx:ty) => {
        impl LogStore for $store {
            type Tx = $tx;

            async fn begin_tx(&self) -> Result<$tx> {
                self.begin().await
            }
            async fn commit_tx(tx: $tx) -> Result<()> {
                tx.commit().await.map_err(failed)
            }
            async fn rollback_tx(tx: $tx) -> Result<()> {
                tx.rollback().await.map_err(failed)
            }
        }
    };
}

sqlx_store!(PgStore, sqlx::Transaction<'static, sqlx::Postgres>);
sqlx_store!(MySqlStore, sqlx::Transaction<'static, sqlx::MySql>);
sqlx_store!(SqliteStore, delta_store_sqlx::SqliteTransaction);

macro_rules! diesel_store {
    ($store:ty) => {
        impl LogStore for $store {
            type Tx = <Self as Store>::Guard;

            async fn begin_tx(&self) -> Result<Self::Tx> {
                let mut tx = self.acquire(Access::Write).await?;
                AnsiTransactionManager::begin_transaction(&mut *tx).await.map_err(failed)?;
                Ok(tx)
            }
            async fn commit_tx(mut tx: Self::Tx) -> Result<()> {
                AnsiTransactionManager::commit_transaction(&mut *tx).await.map_err(failed)
            }
            async fn rollback_tx(mut tx: Self::Tx) -> Result<()> {
                AnsiTransactionManager::rollback_transaction(&mut *tx).await.map_err(failed)
            }
        }
    };
}

diesel_store!(PgDieselStore);
diesel_store!(MySqlDieselStore);
