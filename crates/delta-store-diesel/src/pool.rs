use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, TimeoutType};
use delta_core::{Error, ErrorKind, Result};
use diesel::QueryResult;
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod,
};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::refused::Refused;

/// When a connection that lay idle is tested before its next use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recycling {
    /// Where another connection was found to be broken since: costs nothing while all is well. The first call after a
    /// disturbance fails, and the next one works.
    #[default]
    Fast,
    /// Always: costs a round trip for each use.
    Verified,
}

/// How a pool of a store's own behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolSettings {
    pub(crate) connections: usize,
    pub(crate) wait_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) recycle_timeout: Duration,
    pub(crate) recycling: Recycling,
}

impl Default for PoolSettings {
    fn default() -> Self {
        let timeout = Duration::from_secs(5);
        Self {
            connections: 10,
            wait_timeout: timeout,
            connect_timeout: timeout,
            recycle_timeout: timeout,
            recycling: Recycling::Fast,
        }
    }
}

/// A pool, and what is known of the connections that lie idle in it.
///
/// What breaks one connection (a restart of the server, a failover) has mostly broken those that lie idle as well. So
/// once one was discarded, as many as lay idle then are tested as they come up, and replaced if they are broken.
pub(crate) struct Connections<C: PoolableConnection + 'static>
where
    AsyncDieselConnectionManager<C>: Manager<Type = C>,
{
    pool: Pool<C>,
    /// How many idle connections are yet to be tested. They come up oldest first.
    suspects: Arc<AtomicUsize>,
}

/// How a pool makes a connection.
pub(crate) type Setup<C> = Box<dyn Fn() -> BoxFuture<'static, Result<C>> + Send + Sync>;

impl<C> Connections<C>
where
    C: PoolableConnection + 'static,
    AsyncDieselConnectionManager<C>: Manager<Type = C, Error = diesel_async::pooled_connection::PoolError>,
{
    /// A pool of the store's own.
    pub(crate) fn new(settings: PoolSettings, setup: Setup<C>) -> Result<Self> {
        let suspects = Arc::new(AtomicUsize::new(0));
        let mut config = ManagerConfig::<C>::default();
        config.recycling_method = match settings.recycling {
            Recycling::Fast => RecyclingMethod::CustomFunction(test_suspects(suspects.clone())),
            Recycling::Verified => RecyclingMethod::Verified,
        };
        config.custom_setup =
            Box::new(move |_| setup().map(|made| made.map_err(Refused::into_connection_error)).boxed());
        // The setup knows the address, and nothing that shows the manager can show a password.
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), config);
        let pool = Pool::builder(manager)
            .max_size(settings.connections)
            .wait_timeout(Some(settings.wait_timeout))
            .create_timeout(Some(settings.connect_timeout))
            .recycle_timeout(Some(settings.recycle_timeout))
            .runtime(deadpool::Runtime::Tokio1)
            .build();
        let pool = pool.map_err(|error| Error::new(ErrorKind::Invalid, "connect", error))?;
        Ok(Self { pool, suspects })
    }

    /// A pool of the caller's, which tests its connections as it likes.
    pub(crate) fn of(pool: Pool<C>) -> Self {
        Self { pool, suspects: Arc::default() }
    }

    pub(crate) fn pool(&self) -> &Pool<C> {
        &self.pool
    }

    pub(crate) async fn acquire(&self) -> Result<Object<C>, PoolError> {
        self.pool.get().await
    }

    pub(crate) fn discard(&self, conn: Object<C>) {
        drop(Object::take(conn));
        self.suspects.store(self.pool.status().available, Ordering::Release);
    }

    /// A connection outside of the pool.
    pub(crate) async fn aside(&self) -> Result<C, PoolError> {
        let made = self.pool.manager().create();
        let Some(limit) = self.pool.timeouts().create else { return made.await.map_err(PoolError::Backend) };
        let made = tokio::time::timeout(limit, made).await.map_err(|_| PoolError::Timeout(TimeoutType::Create))?;
        made.map_err(PoolError::Backend)
    }
}

type Test<C> = Box<dyn Fn(&mut C) -> BoxFuture<'_, QueryResult<()>> + Send + Sync>;

fn test_suspects<C: SimpleAsyncConnection + Send>(suspects: Arc<AtomicUsize>) -> Test<C> {
    Box::new(move |conn| {
        let left = suspects.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        match left {
            Ok(_) => conn.batch_execute("SELECT 1").boxed(),
            Err(_) => futures::future::ready(Ok(())).boxed(),
        }
    })
}
