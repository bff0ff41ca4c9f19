use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use delta_core::{ErrorKind, Result};
use delta_sql::mysql::SESSION;
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, MySql, MySqlConnection};
use tokio::time::timeout;

use super::errors;

/// A pool whose connections are not tested at each use.
///
/// What breaks one connection (a restart of the server, a failover) has mostly broken those that lie idle as well. So
/// once one was discarded, as many as lay idle then are tested as they come up, and replaced if they are broken: the
/// first call after a disturbance fails, and the next one works.
#[derive(Debug)]
pub(super) struct Connections {
    pool: MySqlPool,
    /// How many idle connections are yet to be tested. They come up oldest first.
    suspects: AtomicUsize,
}

impl Connections {
    pub(super) fn new(pool: MySqlPool) -> Self {
        Self { pool, suspects: AtomicUsize::new(0) }
    }

    pub(super) async fn acquire(&self) -> Result<PoolConnection<MySql>> {
        loop {
            let conn = self.pool.acquire().await.map_err(errors::during("acquire"))?;
            let suspect = self.suspects.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
            if suspect.is_err() {
                return Ok(conn);
            }
            let mut suspect = Suspect(Some(conn));
            match timeout(self.limit(), suspect.test()).await {
                Ok(Some(conn)) => return Ok(conn),
                Ok(None) => {}
                // It is open and silent, and so are the others: there is no time to ask each.
                Err(_) => self.forget_idle(),
            }
        }
    }

    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, MySql>> {
        loop {
            let begun = timeout(self.limit(), self.pool.begin()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
            let suspect = self.suspects.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
            let error = match begun {
                Ok(tx) => return Ok(tx),
                Err(error) => errors::error("begin", error),
            };
            // A broken connection goes with its transaction.
            if error.kind() != ErrorKind::Unavailable || suspect.is_err() {
                self.suspect();
                return Err(error);
            }
        }
    }

    pub(super) fn discard(&self, conn: PoolConnection<MySql>) {
        // Dropped, not closed: closing waits for a server that may not answer.
        drop(conn.detach());
        self.suspect();
    }

    /// Takes what is idle now for broken until it is tested.
    fn suspect(&self) {
        self.suspects.store(self.pool.num_idle(), Ordering::Release);
    }

    /// Throws away what is idle.
    fn forget_idle(&self) {
        while let Some(conn) = self.pool.try_acquire() {
            drop(conn.detach());
        }
    }

    /// How long anything about a connection may take that is no statement.
    fn limit(&self) -> Duration {
        self.pool.options().get_acquire_timeout()
    }

    /// A connection outside of the pool, for what must be committed whatever becomes of the caller's transaction: the
    /// pool may have none left, with everybody who has one waiting here.
    pub(super) async fn aside(&self, operation: &'static str) -> Result<MySqlConnection> {
        let opened = async {
            let mut conn = MySqlConnection::connect_with(&self.pool.connect_options()).await?;
            conn.execute(SESSION).await?;
            Ok(conn)
        };
        let opened = timeout(self.limit(), opened).await;
        opened.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(errors::during(operation))
    }

    pub(super) fn pool(&self) -> &MySqlPool {
        &self.pool
    }
}

/// A connection that is being tested. It returns to its pool only if it answers: the pool itself would wait for that for ever.
struct Suspect(Option<PoolConnection<MySql>>);

impl Suspect {
    async fn test(&mut self) -> Option<PoolConnection<MySql>> {
        self.0.as_mut()?.ping().await.ok()?;
        self.0.take()
    }
}

impl Drop for Suspect {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(conn.detach());
        }
    }
}
