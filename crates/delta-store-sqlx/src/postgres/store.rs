use std::fmt;
use std::sync::Arc;

use delta_core::{
    Access, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, Error, ErrorKind, EventPage,
    EventQuery, Lane, LaneQuery, Load, Processes, Receipt, Resource, Result, ScopeRecord, Store, Timestamp,
    WakeupReach, Wakeups, Writers,
};
use delta_sql::SchemaName;
use delta_sql::postgres::Statements;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Row};

use super::connection::Connections;
use super::errors::during;
use super::moment::Moment;
use super::names::NameCache;
use super::options::{Listen, PgOptions, PgSettings, StatementCache};
use super::unit::{Need, Unit};

/// The oldest server that is supported, as the server numbers it.
const OLDEST: u32 = 140_000;

#[doc = include_str!("../docs/postgres.md")]
#[derive(Clone)]
pub struct PgStore {
    shared: Arc<Shared>,
}

struct Shared {
    connections: Connections,
    statements: Statements,
    names: NameCache,
    settings: PgSettings,
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
        let statements = Statements::new(&settings.schema);
        let connections = Connections::new(pool);
        Self { shared: Arc::new(Shared { connections, statements, names: NameCache::default(), settings }) }
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
        if let Some(version) = version.filter(|version| *version < OLDEST) {
            let what = format!("expected PostgreSQL 14 or newer, found {}.{}", version / 10_000, version % 10_000);
            return Err(Error::new(ErrorKind::Unsupported, "connect", what));
        }
        Ok(Self::from_pool(pool.connect_lazy_with(options), settings))
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.shared.connections
    }

    pub(super) fn sql(&self) -> &Statements {
        &self.shared.statements
    }

    pub(super) fn names(&self) -> &NameCache {
        &self.shared.names
    }

    pub(super) fn schema(&self) -> &SchemaName {
        &self.shared.settings.schema
    }

    pub(super) fn listen(&self) -> Listen {
        self.shared.settings.listen
    }

    pub(super) fn query<'q>(&self, text: &Arc<str>) -> Query<'q, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(text.clone())).persistent(self.shared.settings.statement_cache == StatementCache::On)
    }

    /// As much of a transaction as is needed. Without a statement cache that is always one: a statement is prepared and
    /// run in two steps, between which a pooler may change the connection.
    pub(super) async fn unit<'c>(
        &self,
        conn: &'c mut PgConnection,
        need: Need,
        operation: &'static str,
    ) -> Result<Unit<'c>> {
        let cached = self.shared.settings.statement_cache == StatementCache::On;
        let need = if cached || conn.is_in_transaction() { need } else { Need::Transaction };
        Unit::open(conn, need, operation).await
    }

    /// Runs a query that only reads.
    pub(super) async fn read(
        &self,
        conn: &mut PgConnection,
        query: Query<'_, Postgres, PgArguments>,
        operation: &'static str,
    ) -> Result<Vec<sqlx::postgres::PgRow>> {
        let mut unit = self.unit(conn, Need::Statement, operation).await?;
        let rows = query.fetch_all(unit.conn()).await.map_err(during(operation))?;
        unit.keep(operation).await?;
        Ok(rows)
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Store for PgStore {
    type Conn = PgConnection;
    type Guard = PoolConnection<Postgres>;

    fn capabilities(&self) -> Capabilities {
        let wakeups = match self.listen() {
            Listen::On => WakeupReach::Database,
            Listen::Off => WakeupReach::None,
        };
        Capabilities { wakeups, processes: Processes::Any, writers: Writers::Many }
    }

    fn wakeups(&self) -> Option<Wakeups> {
        (self.listen() == Listen::On).then(|| self.listener())
    }

    async fn wake(&self, lanes: &[Lane]) {
        self.notify(lanes).await;
    }

    async fn acquire(&self, _access: Access) -> Result<Self::Guard> {
        self.connections().acquire().await
    }

    fn discard(&self, guard: Self::Guard) {
        self.connections().discard(guard);
    }

    async fn check(&self, conn: &mut PgConnection) -> Result<()> {
        self.check_schema(conn).await
    }

    async fn now(&self, conn: &mut PgConnection) -> Result<Timestamp> {
        let rows = self.read(conn, self.query(&self.sql().now), "now").await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound).map_err(during("now"))?;
        Ok(row.try_get::<Moment, _>(0).map_err(during("now"))?.0)
    }

    async fn load(&self, conn: &mut PgConnection, query: &Load) -> Result<Vec<Resource>> {
        self.load_resources(conn, query).await
    }

    async fn commit(&self, conn: &mut PgConnection, changes: &Changeset) -> Result<Receipt> {
        self.commit_changes(conn, changes).await
    }

    async fn claim(&self, conn: &mut PgConnection, finished: &Changeset, request: &ClaimRequest) -> Result<Claimed> {
        self.settle_and_claim(conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut PgConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
        self.claimable_lanes(conn, query).await
    }

    async fn due(&self, conn: &mut PgConnection, query: &DueQuery) -> Result<Vec<Resource>> {
        self.due_resources(conn, query).await
    }

    async fn events(&self, conn: &mut PgConnection, query: &EventQuery) -> Result<EventPage> {
        self.read_log(conn, query).await
    }

    async fn cursors(&self, conn: &mut PgConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
        self.read_cursors(conn, query).await
    }

    async fn scopes(&self, conn: &mut PgConnection) -> Result<Vec<ScopeRecord>> {
        self.read_scopes(conn).await
    }
}
