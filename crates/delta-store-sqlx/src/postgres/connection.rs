use std::sync::atomic::{AtomicUsize, Ordering};

use delta_core::Result;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{Connection, PgConnection, Postgres};

use super::errors;

/// A pool whose connections are not tested at each use.
///
/// What breaks one connection (a restart of the server, a failover) has mostly broken those that lie idle as well. So
/// once one was discarded, as many as lay idle then are tested as they come up, and replaced if they are broken: the
/// first call after a disturbance fails, and the next one works.
#[derive(Debug)]
pub(super) struct Connections {
    pool: PgPool,
    /// How many idle connections are yet to be tested. They come up oldest first.
    suspects: AtomicUsize,
}

impl Connections {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, suspects: AtomicUsize::new(0) }
    }

    pub(super) async fn acquire(&self) -> Result<PoolConnection<Postgres>> {
        loop {
            let mut conn = self.pool.acquire().await.map_err(errors::during("acquire"))?;
            let suspect = self.suspects.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
            if suspect.is_err() || conn.ping().await.is_ok() {
                return Ok(conn);
            }
            drop(conn.detach());
        }
    }

    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, Postgres>> {
        loop {
            let begun = self.pool.begin().await;
            let suspect = self.suspects.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
            match begun {
                // A broken connection goes with its transaction.
                Err(sqlx::Error::Io(_)) if suspect.is_ok() => {}
                begun => return begun.map_err(errors::during("begin")),
            }
        }
    }

    pub(super) fn discard(&self, conn: PoolConnection<Postgres>) {
        // Dropped, not closed: closing waits for a server that may not answer.
        drop(conn.detach());
        self.suspects.store(self.pool.num_idle(), Ordering::Release);
    }

    /// A connection outside of the pool, for what must be committed whatever becomes of the caller's transaction: the
    /// pool may have none left, with everybody who has one waiting here.
    pub(super) async fn aside(&self, operation: &'static str) -> Result<PgConnection> {
        PgConnection::connect_with(&self.pool.connect_options()).await.map_err(errors::during(operation))
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}
