use std::fmt;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, GivenOut, Lane, LaneQuery, ListQuery, Load, LogHolder, Migrate, MigrationStatus,
    Receipt, Resource, Restore, RestoreBatch, Restored, Result, ScopeRecord, StateCount, Store, Target, Timestamp,
    WakeUpSignal, Wakeups,
};
use delta_sql::postgres::{PgSettings, Tables, check_server_version};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection, Postgres};

use super::connection::Connections;
use super::driver::PgDriver;
use super::errors::during;
use super::options::PgOptions;

#[doc = include_str!("../docs/postgres.md")]
#[derive(Clone)]
pub struct PgStore {
    tables: Tables<PgDriver>,
}

impl PgStore {
    /// Connects to the database that a URL names, with a pool of its own.
    ///
    /// The schema is left as it is: [`Store::check`] says whether it fits, and [`Migrate`](delta_core::Migrate) or
    /// `delta migrate up` brings it up.
    ///
    /// # Errors
    ///
    /// `Invalid` if the URL is none, or names a user or a database that does not exist; `Unavailable` if the server cannot
    /// be reached; `Unsupported` if it is older than Postgres 14. No message shows the password.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves nothing behind.
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::options(url).connect().await
    }

    /// How to connect to the database that a URL names, to be changed before [`PgOptions::connect`].
    #[must_use]
    pub fn options(url: impl Into<String>) -> PgOptions {
        PgOptions::new(url)
    }

    /// Uses a pool of the caller's.
    ///
    /// # Assumptions
    ///
    /// Its connections may be in use at once with those of the caller: a client needs at least two. Where the pool tests
    /// its connections before each use (`test_before_acquire`, sqlx's default), each claim pays a round trip for it.
    #[must_use]
    pub fn from_pool(pool: PgPool, settings: PgSettings) -> Self {
        let driver = PgDriver::new(Connections::new(pool), &settings);
        Self { tables: Tables::new(driver, settings) }
    }

    /// Opens a transaction on a connection of the pool: for a changeset beside the caller's own statements.
    ///
    /// It is one of sqlx's. Committing and rolling back is the caller's; a drop rolls back.
    ///
    /// # Cancel safety
    ///
    /// A dropped call opens none.
    pub async fn begin(&self) -> Result<sqlx::Transaction<'static, Postgres>> {
        self.connections().begin().await
    }

    /// Closes the pool: waits until all connections are returned. Later calls are `Closed`.
    ///
    /// # Cancel safety
    ///
    /// The pool is closed in any case; a dropped call does not wait for connections that are in use.
    pub async fn close(&self) {
        self.pool().close().await;
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.connections().pool()
    }

    pub(super) async fn open(pool: PgPoolOptions, options: PgConnectOptions, settings: PgSettings) -> Result<Self> {
        // A pool tries again and again, and then says no more than that time is up. The first connection says why.
        let limit = pool.get_acquire_timeout();
        let first = tokio::time::timeout(limit, PgConnection::connect_with(&options)).await;
        let first = first.map_err(|_| {
            let what = format!("expected an answer of the server within {limit:?}, found none");
            Error::new(ErrorKind::Unavailable, "connect", what)
        })?;
        let first = first.map_err(during("connect"))?;
        let version = first.server_version_num();
        let _ = first.close().await;
        version.map_or(Ok(()), check_server_version)?;
        Ok(Self::from_pool(pool.connect_lazy_with(options), settings))
    }

    pub(super) fn tables(&self) -> &Tables<PgDriver> {
        &self.tables
    }

    pub(super) fn connections(&self) -> &Connections {
        self.tables.driver().connections()
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("settings", self.tables.settings()).finish_non_exhaustive()
    }
}

impl Store for PgStore {
    type Conn = PgConnection;
    type Guard = PoolConnection<Postgres>;

    fn capabilities(&self) -> Capabilities {
        self.tables.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        self.tables.wakeups()
    }

    async fn wake(&self, signals: &[WakeUpSignal]) {
        if signals.is_empty() {
            return;
        }
        let woken = async { self.tables.wake(&mut *self.connections().acquire().await?, signals).await };
        if let Err(error) = woken.await {
            tracing::warn!(%error, "a wake-up was lost; polls find the work");
        }
    }

    async fn acquire(&self, _access: Access) -> Result<Self::Guard> {
        loop {
            let conn = self.connections().acquire().await?;
            // A pool of the caller's takes back what is in a transaction, and whoever came next would join that.
            if !conn.is_in_transaction() {
                return Ok(conn);
            }
            drop(conn.detach());
        }
    }

    fn discard(&self, guard: Self::Guard) {
        self.connections().discard(guard);
    }

    async fn check(&self, conn: &mut PgConnection) -> Result<()> {
        self.tables.check(conn).await
    }

    async fn now(&self, conn: &mut PgConnection) -> Result<Timestamp> {
        self.tables.now(conn).await
    }

    async fn load(&self, conn: &mut PgConnection, query: &Load) -> Result<Vec<Resource>> {
        self.tables.load(conn, query).await
    }

    async fn commit(&self, conn: &mut PgConnection, changes: &Changeset) -> Result<Receipt> {
        self.tables.commit(conn, changes).await
    }

    async fn claim(&self, conn: &mut PgConnection, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        self.tables.claim(conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut PgConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.tables.lanes(conn, query).await
    }

    async fn due(&self, conn: &mut PgConnection, query: &DueQuery) -> Result<Vec<Resource>> {
        self.tables.due(conn, query).await
    }

    async fn events(&self, conn: &mut PgConnection, query: &EventQuery) -> Result<EventPage> {
        self.tables.events(conn, query).await
    }

    async fn cursors(&self, conn: &mut PgConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.tables.cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut PgConnection) -> Result<Vec<ScopeRecord>> {
        self.tables.scopes(conn).await
    }
}

impl Browse for PgStore {
    async fn list(&self, conn: &mut PgConnection, query: &ListQuery) -> Result<Vec<Resource>> {
        self.tables.list(conn, query).await
    }

    async fn count(&self, conn: &mut PgConnection, filter: &Filter) -> Result<Vec<StateCount>> {
        self.tables.count(conn, filter).await
    }

    async fn log_holders(&self, conn: &mut PgConnection) -> Result<Vec<LogHolder>> {
        self.tables.log_holders(conn).await
    }
}

impl Restore for PgStore {
    async fn given_out(&self, conn: &mut PgConnection) -> Result<GivenOut> {
        self.tables.given_out(conn).await
    }

    async fn restore(&self, conn: &mut PgConnection, batch: &RestoreBatch) -> Result<Restored> {
        self.tables.restore(conn, batch).await
    }

    async fn refresh(&self, conn: &mut PgConnection) -> Result<()> {
        self.tables.refresh(conn).await
    }
}

impl Migrate for PgStore {
    async fn migrate_to(&self, target: Target) -> Result<Vec<MigrationStatus>> {
        self.tables.migrate_to(&mut *self.connections().acquire().await?, target).await
    }

    async fn migration_status(&self) -> Result<Vec<MigrationStatus>> {
        self.tables.migration_status(&mut *self.connections().acquire().await?).await
    }

    fn migration_sql(&self) -> String {
        self.tables.migration_sql()
    }
}
