use std::fmt;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind,
    EventPage, EventQuery, Filter, GivenOut, Lane, LaneQuery, ListQuery, Load, LogHolder, Migrate, MigrationStatus,
    Receipt, Resource, Restore, RestoreBatch, Restored, Result, ScopeRecord, StateCount, Store, Target, Timestamp,
    WakeUpSignal, Wakeups,
};
use delta_sql::driver::Row;
use delta_sql::postgres::{PgSettings, PostgresDriver, Query, Tables, check_server_version};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use futures::FutureExt;

use super::blocking::{BlockingDriver, BlockingPg};
use super::blocking_store::BlockingPgStore;
use super::connector::Connector;
use super::driver::DieselDriver;
use super::errors::pool_error;
use super::options::PgDieselOptions;
use crate::pool::{Connections, PoolSettings};

#[doc = include_str!("../docs/postgres.md")]
#[derive(Clone)]
pub struct PgDieselStore {
    tables: Tables<DieselDriver>,
}

impl PgDieselStore {
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

    /// How to connect to the database that a URL names, to be changed before [`PgDieselOptions::connect`].
    #[must_use]
    pub fn options(url: impl Into<String>) -> PgDieselOptions {
        PgDieselOptions::new(url)
    }

    /// Uses a pool of the caller's.
    ///
    /// # Assumptions
    ///
    /// - Its connections may be in use at once with those of the caller: a client needs at least two.
    /// - They are made by `AsyncPgConnection::establish` (diesel-async's default) or by
    ///   `AsyncPgConnection::try_from_client_and_connection`; otherwise nothing is heard of wake-ups.
    /// - diesel does not tell most of the server's error codes. Connections of a store's own tell them all; of others, the
    ///   server's words say what an error means, if they are English (`lc_messages`). A deadlock that is reported in
    ///   another language is taken for `Invalid`, and not repeated.
    /// - Where the statement cache is off, the pool's connections keep none either (`CacheSize::Disabled`).
    #[must_use]
    pub fn from_pool(pool: Pool<AsyncPgConnection>, settings: PgSettings) -> Self {
        let driver = DieselDriver::new(Connections::of(pool), None, &settings);
        Self { tables: Tables::new(driver, settings) }
    }

    /// The store on blocking connections of the caller's: it speaks of the same tables.
    #[must_use]
    pub fn blocking<C: BlockingPg>(&self) -> BlockingPgStore<C> {
        let url = self.tables.driver().connector().map(Connector::url);
        let driver = BlockingDriver::new(url, self.tables.settings().keeps_statements());
        BlockingPgStore::new(self.tables.over(driver))
    }

    /// Closes the pool: connections in use are closed when they come back. Later calls are `Closed`.
    pub fn close(&self) {
        self.pool().close();
    }

    /// The pool: for a transaction of the caller's, and for statements of its own.
    #[must_use]
    pub fn pool(&self) -> &Pool<AsyncPgConnection> {
        self.connections().pool()
    }

    pub(super) async fn open(connector: Connector, pool: PoolSettings, settings: PgSettings) -> Result<Self> {
        let making = connector.clone();
        let setup = Box::new(move || {
            let connector = making.clone();
            async move { connector.open().await }.boxed()
        });
        let driver = DieselDriver::new(Connections::new(pool, setup)?, Some(connector), &settings);
        let store = Self { tables: Tables::new(driver, settings) };
        let mut conn = store.take("connect").await?;
        let version = store.version(&mut conn).await?;
        check_server_version(version)?;
        Ok(store)
    }

    /// The server's version, as it numbers itself.
    async fn version(&self, conn: &mut AsyncPgConnection) -> Result<u32> {
        let text = "SELECT current_setting('server_version_num')".into();
        let driver = self.tables.driver();
        let rows = driver.fetch(conn, Query::new(&text), "connect").await?;
        let version = rows.first().and_then(|row| row.text(0).ok()??.parse().ok());
        version.ok_or_else(|| Error::new(ErrorKind::Unsupported, "connect", "expected a server that tells its version"))
    }

    async fn take(&self, operation: &'static str) -> Result<Object<AsyncPgConnection>> {
        self.connections().acquire().await.map_err(|error| pool_error(operation, error))
    }

    pub(super) fn tables(&self) -> &Tables<DieselDriver> {
        &self.tables
    }

    fn connections(&self) -> &Connections<AsyncPgConnection> {
        self.tables.driver().connections()
    }
}

impl fmt::Debug for PgDieselStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgDieselStore").field("settings", self.tables.settings()).finish_non_exhaustive()
    }
}

impl Store for PgDieselStore {
    type Conn = AsyncPgConnection;
    type Guard = Object<AsyncPgConnection>;

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
        let woken = async { self.tables.wake(&mut *self.take("wake").await?, signals).await };
        if let Err(error) = woken.await {
            tracing::warn!(%error, "a wake-up was lost; polls find the work");
        }
    }

    async fn acquire(&self, _access: Access) -> Result<Self::Guard> {
        self.take("acquire").await
    }

    fn discard(&self, guard: Self::Guard) {
        self.connections().discard(guard);
    }

    async fn check(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        self.tables.check(conn).await
    }

    async fn now(&self, conn: &mut AsyncPgConnection) -> Result<Timestamp> {
        self.tables.now(conn).await
    }

    async fn load(&self, conn: &mut AsyncPgConnection, query: &Load) -> Result<Vec<Resource>> {
        self.tables.load(conn, query).await
    }

    async fn commit(&self, conn: &mut AsyncPgConnection, changes: &Changeset) -> Result<Receipt> {
        self.tables.commit(conn, changes).await
    }

    async fn claim(
        &self,
        conn: &mut AsyncPgConnection,
        finished: &Changeset,
        request: &ClaimRequest,
    ) -> Result<Claimed> {
        self.tables.claim(conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut AsyncPgConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.tables.lanes(conn, query).await
    }

    async fn due(&self, conn: &mut AsyncPgConnection, query: &DueQuery) -> Result<Vec<Resource>> {
        self.tables.due(conn, query).await
    }

    async fn events(&self, conn: &mut AsyncPgConnection, query: &EventQuery) -> Result<EventPage> {
        self.tables.events(conn, query).await
    }

    async fn cursors(&self, conn: &mut AsyncPgConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.tables.cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut AsyncPgConnection) -> Result<Vec<ScopeRecord>> {
        self.tables.scopes(conn).await
    }
}

impl Browse for PgDieselStore {
    async fn list(&self, conn: &mut AsyncPgConnection, query: &ListQuery) -> Result<Vec<Resource>> {
        self.tables.list(conn, query).await
    }

    async fn count(&self, conn: &mut AsyncPgConnection, filter: &Filter) -> Result<Vec<StateCount>> {
        self.tables.count(conn, filter).await
    }

    async fn log_holders(&self, conn: &mut AsyncPgConnection) -> Result<Vec<LogHolder>> {
        self.tables.log_holders(conn).await
    }
}

impl Restore for PgDieselStore {
    async fn given_out(&self, conn: &mut AsyncPgConnection) -> Result<GivenOut> {
        self.tables.given_out(conn).await
    }

    async fn restore(&self, conn: &mut AsyncPgConnection, batch: &RestoreBatch) -> Result<Restored> {
        self.tables.restore(conn, batch).await
    }

    async fn refresh(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        self.tables.refresh(conn).await
    }
}

impl Migrate for PgDieselStore {
    async fn migrate_to(&self, target: Target) -> Result<Vec<MigrationStatus>> {
        self.tables.migrate_to(&mut *self.take("migrate").await?, target).await
    }

    async fn migration_status(&self) -> Result<Vec<MigrationStatus>> {
        self.tables.migration_status(&mut *self.take("migrate").await?).await
    }

    fn migration_sql(&self) -> String {
        self.tables.migration_sql()
    }
}
