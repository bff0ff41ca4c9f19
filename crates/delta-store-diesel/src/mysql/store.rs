use std::fmt;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, GivenOut, Lane, LaneQuery, ListQuery, Load, LogHolder, Migrate, MigrationStatus,
    Receipt, Resource, Restore, RestoreBatch, Restored, Result, ScopeRecord, StateCount, Store, Target, Timestamp,
    WakeUpSignal, Wakeups,
};
use delta_sql::driver::Row;
use delta_sql::mysql::{MySqlSettings, MysqlDriver, Query, Tables, check_server_version};
use diesel_async::AsyncMysqlConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use futures::FutureExt;

use super::blocking::{BlockingDriver, BlockingMySql};
use super::blocking_store::BlockingMySqlStore;
use super::connector::Connector;
use super::driver::DieselDriver;
use super::errors::pool_error;
use super::options::MySqlDieselOptions;
use crate::pool::{Connections, PoolSettings};

#[doc = include_str!("../docs/mysql.md")]
#[derive(Clone)]
pub struct MySqlDieselStore {
    pub(super) tables: Tables<DieselDriver>,
}

impl MySqlDieselStore {
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

    /// How to connect to the database that a URL names, to be changed before [`MySqlDieselOptions::connect`].
    #[must_use]
    pub fn options(url: impl Into<String>) -> MySqlDieselOptions {
        MySqlDieselOptions::new(url)
    }

    /// Uses a pool of the caller's.
    ///
    /// # Assumptions
    ///
    /// - Its connections may be in use at once with those of the caller: a client needs at least two.
    /// - Every session has been told [`MYSQL_SESSION`](crate::MYSQL_SESSION) when it was made, in the pool's own setup;
    ///   [`Store::check`] finds one that has not.
    #[must_use]
    pub fn from_pool(pool: Pool<AsyncMysqlConnection>, settings: MySqlSettings) -> Self {
        let driver = DieselDriver::new(Connections::of(pool), None);
        Self { tables: Tables::new(driver, settings) }
    }

    /// The store on blocking connections of the caller's: it speaks of the same tables.
    #[must_use]
    pub fn blocking<C: BlockingMySql>(&self) -> BlockingMySqlStore<C> {
        let driver = BlockingDriver::new(self.tables.driver().url().cloned());
        BlockingMySqlStore::new(self.tables.over(driver))
    }

    /// Closes the pool: connections in use are closed when they come back. Later calls are `Closed`.
    pub fn close(&self) {
        self.pool().close();
    }

    /// The pool: for a transaction of the caller's, and for statements of its own.
    #[must_use]
    pub fn pool(&self) -> &Pool<AsyncMysqlConnection> {
        self.connections().pool()
    }

    pub(super) async fn open(connector: Connector, pool: PoolSettings, settings: MySqlSettings) -> Result<Self> {
        let url = connector.url.clone();
        let setup = Box::new(move || {
            let connector = connector.clone();
            async move { connector.open().await }.boxed()
        });
        let driver = DieselDriver::new(Connections::new(pool, setup)?, Some(url));
        let store = Self { tables: Tables::new(driver, settings) };
        let mut conn = store.take("connect").await?;
        let version = store.version(&mut conn).await?;
        check_server_version(&version)?;
        Ok(store)
    }

    /// The server's version, in its words.
    async fn version(&self, conn: &mut AsyncMysqlConnection) -> Result<String> {
        let text = "SELECT VERSION()".into();
        let rows = self.tables.driver().fetch(conn, Query::new(&text), "connect").await?;
        let version = rows.first().and_then(|row| Some(row.text(0).ok()??.to_owned()));
        version.ok_or_else(|| Error::new(ErrorKind::Unsupported, "connect", "expected a server that tells its version"))
    }

    async fn take(&self, operation: &'static str) -> Result<Object<AsyncMysqlConnection>> {
        self.connections().acquire().await.map_err(|error| pool_error(operation, error))
    }

    fn connections(&self) -> &Connections<AsyncMysqlConnection> {
        self.tables.driver().connections()
    }
}

impl fmt::Debug for MySqlDieselStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlDieselStore").field("settings", self.tables.settings()).finish_non_exhaustive()
    }
}

impl Store for MySqlDieselStore {
    type Conn = AsyncMysqlConnection;
    type Guard = Object<AsyncMysqlConnection>;

    fn capabilities(&self) -> Capabilities {
        self.tables.capabilities()
    }

    fn wakeups(&self) -> Option<Wakeups> {
        None
    }

    async fn wake(&self, _signals: &[WakeUpSignal]) {}

    async fn acquire(&self, _access: Access) -> Result<Self::Guard> {
        self.take("acquire").await
    }

    fn discard(&self, guard: Self::Guard) {
        self.connections().discard(guard);
    }

    async fn check(&self, conn: &mut AsyncMysqlConnection) -> Result<()> {
        self.tables.check(conn).await
    }

    async fn now(&self, conn: &mut AsyncMysqlConnection) -> Result<Timestamp> {
        self.tables.now(conn).await
    }

    async fn load(&self, conn: &mut AsyncMysqlConnection, query: &Load) -> Result<Vec<Resource>> {
        self.tables.load(conn, query).await
    }

    async fn commit(&self, conn: &mut AsyncMysqlConnection, changes: &Changeset) -> Result<Receipt> {
        self.tables.commit(conn, changes).await
    }

    async fn claim(
        &self,
        conn: &mut AsyncMysqlConnection,
        finished: &Changeset,
        request: &ClaimRequest,
    ) -> Result<Claimed> {
        self.tables.claim(conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut AsyncMysqlConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.tables.lanes(conn, query).await
    }

    async fn due(&self, conn: &mut AsyncMysqlConnection, query: &DueQuery) -> Result<Vec<Resource>> {
        self.tables.due(conn, query).await
    }

    async fn events(&self, conn: &mut AsyncMysqlConnection, query: &EventQuery) -> Result<EventPage> {
        self.tables.events(conn, query).await
    }

    async fn cursors(&self, conn: &mut AsyncMysqlConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.tables.cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut AsyncMysqlConnection) -> Result<Vec<ScopeRecord>> {
        self.tables.scopes(conn).await
    }
}

impl Browse for MySqlDieselStore {
    async fn list(&self, conn: &mut AsyncMysqlConnection, query: &ListQuery) -> Result<Vec<Resource>> {
        self.tables.list(conn, query).await
    }

    async fn count(&self, conn: &mut AsyncMysqlConnection, filter: &Filter) -> Result<Vec<StateCount>> {
        self.tables.count(conn, filter).await
    }

    async fn log_holders(&self, conn: &mut AsyncMysqlConnection) -> Result<Vec<LogHolder>> {
        self.tables.log_holders(conn).await
    }
}

impl Restore for MySqlDieselStore {
    async fn given_out(&self, conn: &mut AsyncMysqlConnection) -> Result<GivenOut> {
        self.tables.last_given_out(conn).await
    }

    async fn restore(&self, conn: &mut AsyncMysqlConnection, batch: &RestoreBatch) -> Result<Restored> {
        self.tables.restore(conn, batch).await
    }

    /// The server keeps count by itself.
    async fn refresh(&self, _: &mut AsyncMysqlConnection) -> Result<()> {
        Ok(())
    }
}

impl Migrate for MySqlDieselStore {
    async fn migrate_to(&self, target: Target) -> Result<Vec<MigrationStatus>> {
        self.tables.migrate_to(target).await
    }

    async fn migration_status(&self) -> Result<Vec<MigrationStatus>> {
        self.tables.migration_status(&mut *self.take("migrate").await?).await
    }

    fn migration_sql(&self) -> String {
        self.tables.migration_sql()
    }
}
