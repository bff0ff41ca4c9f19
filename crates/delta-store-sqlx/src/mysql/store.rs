use std::fmt;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, GivenOut, Lane, LaneQuery, ListQuery, Load, LogHolder, Migrate, MigrationStatus,
    Receipt, Resource, Restore, RestoreBatch, Restored, Result, ScopeRecord, StateCount, Store, Target, Timestamp,
    WakeUpSignal, Wakeups,
};
use delta_sql::mysql::{MySqlSettings, Tables, check_server_version};
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, MySql, MySqlConnection};

use super::connection::Connections;
use super::driver::MySqlDriver;
use super::errors::during;
use super::options::MySqlOptions;

#[doc = include_str!("../docs/mysql.md")]
#[derive(Clone)]
pub struct MySqlStore {
    pub(super) tables: Tables<MySqlDriver>,
}

impl MySqlStore {
    /// Connects to the database that a URL names, with a pool of its own.
    ///
    /// The schema is left as it is: [`Store::check`] says whether it fits, and [`Migrate`](delta_core::Migrate) or
    /// `delta migrate up` brings it up.
    ///
    /// # Errors
    ///
    /// `Invalid` if the URL is none, or names a user or a database that does not exist; `Unavailable` if the server cannot
    /// be reached; `Unsupported` if it is older than MySQL 8.0.16 or MariaDB 10.6. No message shows the password.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves nothing behind.
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::options(url).connect().await
    }

    /// How to connect to the database that a URL names, to be changed before [`MySqlOptions::connect`].
    #[must_use]
    pub fn options(url: impl Into<String>) -> MySqlOptions {
        MySqlOptions::new(url)
    }

    /// Uses a pool of the caller's.
    ///
    /// # Assumptions
    ///
    /// Every session has been told what [`MYSQL_SESSION`](crate::MYSQL_SESSION) says, as by `after_connect`; one that was not
    /// told so is refused by [`Store::check`] if it matters.
    ///
    /// Its connections may be in use at once with those of the caller: a client needs at least two. Where the pool tests
    /// its connections before each use (`test_before_acquire`, sqlx's default), each claim pays a round trip for it.
    #[must_use]
    pub fn from_pool(pool: MySqlPool, settings: MySqlSettings) -> Self {
        let driver = MySqlDriver::new(Connections::new(pool));
        Self { tables: Tables::new(driver, settings) }
    }

    /// Opens a transaction on a connection of the pool: for a changeset beside the caller's own statements.
    ///
    /// It is one of sqlx's. Committing and rolling back is the caller's; a drop rolls back.
    ///
    /// # Cancel safety
    ///
    /// A dropped call opens none.
    pub async fn begin(&self) -> Result<sqlx::Transaction<'static, MySql>> {
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
    pub fn pool(&self) -> &MySqlPool {
        self.connections().pool()
    }

    pub(super) async fn open(
        pool: MySqlPoolOptions,
        options: MySqlConnectOptions,
        settings: MySqlSettings,
    ) -> Result<Self> {
        // A pool tries again and again, and then says no more than that time is up. The first connection says why.
        let limit = pool.get_acquire_timeout();
        let version = tokio::time::timeout(limit, version(&options)).await;
        let version = version.map_err(|_| {
            let what = format!("expected an answer of the server within {limit:?}, found none");
            Error::new(ErrorKind::Unavailable, "connect", what)
        })?;
        check_server_version(&version.map_err(during("connect"))?)?;
        Ok(Self::from_pool(pool.connect_lazy_with(options), settings))
    }

    pub(super) fn connections(&self) -> &Connections {
        self.tables.driver().connections()
    }
}

/// What the server calls its version.
async fn version(options: &MySqlConnectOptions) -> sqlx::Result<String> {
    let mut conn = MySqlConnection::connect_with(options).await?;
    let version = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut conn).await?;
    let _ = conn.close().await;
    Ok(version)
}

impl fmt::Debug for MySqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlStore").field("settings", self.tables.settings()).finish_non_exhaustive()
    }
}

impl Store for MySqlStore {
    type Conn = MySqlConnection;
    type Guard = PoolConnection<MySql>;

    fn capabilities(&self) -> Capabilities {
        self.tables.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        None
    }

    async fn wake(&self, _signals: &[WakeUpSignal]) {}

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

    async fn check(&self, conn: &mut MySqlConnection) -> Result<()> {
        self.tables.check(conn).await
    }

    async fn now(&self, conn: &mut MySqlConnection) -> Result<Timestamp> {
        self.tables.now(conn).await
    }

    async fn load(&self, conn: &mut MySqlConnection, query: &Load) -> Result<Vec<Resource>> {
        self.tables.load(conn, query).await
    }

    async fn commit(&self, conn: &mut MySqlConnection, changes: &Changeset) -> Result<Receipt> {
        self.tables.commit(conn, changes).await
    }

    async fn claim(&self, conn: &mut MySqlConnection, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        self.tables.claim(conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut MySqlConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.tables.lanes(conn, query).await
    }

    async fn due(&self, conn: &mut MySqlConnection, query: &DueQuery) -> Result<Vec<Resource>> {
        self.tables.due(conn, query).await
    }

    async fn events(&self, conn: &mut MySqlConnection, query: &EventQuery) -> Result<EventPage> {
        self.tables.events(conn, query).await
    }

    async fn cursors(&self, conn: &mut MySqlConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.tables.cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut MySqlConnection) -> Result<Vec<ScopeRecord>> {
        self.tables.scopes(conn).await
    }
}

impl Browse for MySqlStore {
    async fn list(&self, conn: &mut MySqlConnection, query: &ListQuery) -> Result<Vec<Resource>> {
        self.tables.list(conn, query).await
    }

    async fn count(&self, conn: &mut MySqlConnection, filter: &Filter) -> Result<Vec<StateCount>> {
        self.tables.count(conn, filter).await
    }

    async fn log_holders(&self, conn: &mut MySqlConnection) -> Result<Vec<LogHolder>> {
        self.tables.log_holders(conn).await
    }
}

impl Restore for MySqlStore {
    async fn given_out(&self, conn: &mut MySqlConnection) -> Result<GivenOut> {
        self.tables.last_given_out(conn).await
    }

    async fn restore(&self, conn: &mut MySqlConnection, batch: &RestoreBatch) -> Result<Restored> {
        self.tables.restore(conn, batch).await
    }

    /// The server keeps count by itself.
    async fn refresh(&self, _: &mut MySqlConnection) -> Result<()> {
        Ok(())
    }
}

impl Migrate for MySqlStore {
    async fn migrate_to(&self, target: Target) -> Result<Vec<MigrationStatus>> {
        self.tables.migrate_to(target).await
    }

    async fn migration_status(&self) -> Result<Vec<MigrationStatus>> {
        self.tables.migration_status(&mut *self.connections().acquire().await?).await
    }

    fn migration_sql(&self) -> String {
        self.tables.migration_sql()
    }
}
