use std::sync::atomic::{AtomicUsize, Ordering};

use delta_core::{ErrorKind, Result};
use delta_sql::mysql::SESSION;
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, MySql, MySqlConnection};

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
            let mut conn = self.pool.acquire().await.map_err(errors::during("acquire"))?;
            let suspect = self.suspects.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
            if suspect.is_err() || conn.ping().await.is_ok() {
                return Ok(conn);
            }
            drop(conn.detach());
        }
    }

    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, MySql>> {
        loop {
            let begun = self.pool.begin().await;
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

    /// A connection outside of the pool, for what must be committed whatever becomes of the caller's transaction: the
    /// pool may have none left, with everybody who has one waiting here.
    pub(super) async fn aside(&self, operation: &'static str) -> Result<MySqlConnection> {
        let opened = async {
            let mut conn = MySqlConnection::connect_with(&self.pool.connect_options()).await?;
            conn.execute(SESSION).await?;
            Ok(conn)
        };
        opened.await.map_err(errors::during(operation))
    }

    pub(super) fn pool(&self) -> &MySqlPool {
        &self.pool
    }
}
