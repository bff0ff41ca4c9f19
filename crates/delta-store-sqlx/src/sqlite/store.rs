use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use delta_core::{
    Access, Browse, Capabilities, Changeset, ClaimRequest, Claimed, Cursor, CursorQuery, DueQuery, EventPage,
    EventQuery, Filter, GivenOut, Lane, LaneQuery, ListQuery, Load, LogHolder, Migrate, MigrationStatus, Processes,
    Receipt, Resource, Restore, RestoreBatch, Restored, Result, ScopeRecord, StateCount, Store, Target, Timestamp,
    WakeUpSignal, WakeupReach, Wakeups, Writers,
};
use delta_sql::sqlite::{Statements, Tables};
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

use super::connection::Pools;
use super::errors::error;
use super::options::{AutoMigrate, SqliteOptions};
use super::rows::Columns;
use super::transaction::SqliteTransaction;
use super::wake::{Bus, HeldWakeUps};
use super::{browse, claim, commit, cursors, due, events, lanes, load, migrate, restore, scopes};

/// The store in a SQLite file: the embedded default.
///
/// It is cheap to clone; clones share their connections.
///
/// # Guarantees
///
/// - Durable: what a commit has answered survives a crash of the machine (WAL, `synchronous = FULL`).
/// - Several stores and several processes of one machine may use one file at once; they take turns at writing.
/// - Wake-ups reach all stores of the file in this process.
///
/// # Assumptions
///
/// - The file is on a file system with working locks and shared memory; a network file system has neither.
/// - There is one connection that writes. Whoever keeps it, by [`Store::acquire`] or by [`begin`](Self::begin), keeps all
///   others of this store from writing until it is dropped.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("app.db");
/// use delta_core::{Changeset, Scope, ScopeChange, ScopeWrite, Name, Store, Timestamp};
/// use delta_store_sqlx::{SqliteStore, sqlx};
///
/// let store = SqliteStore::open(path).await?;
///
/// let mut tx = store.begin().await?;
/// sqlx::query("CREATE TABLE customer (id TEXT PRIMARY KEY)").execute(&mut *tx).await.unwrap();
/// let mut changes = Changeset::new(Timestamp::EPOCH);
/// let scope = Scope::Kind(Name::new("customer").unwrap());
/// changes.scopes.push(ScopeChange { scope, write: ScopeWrite::Pause });
/// store.commit(&mut tx, &changes).await?;
/// tx.commit().await?;
///
/// store.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pub(super) inner: Arc<Inner>,
}

/// What the parts of a store share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) path: PathBuf,
    pub(super) tables: Tables,
    pub(super) sql: Statements,
    pub(super) pools: Pools,
    pub(super) bus: Arc<Bus>,
    pub(super) busy_timeout: Duration,
    pub(super) held: HeldWakeUps,
}

impl SqliteStore {
    /// Opens the database in a file, by its path or by a `sqlite://` URL; creates it, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// - `Invalid` if it is no path of a file in a directory that exists; a database in memory is none.
    /// - `Corrupt` if the file is not a database.
    /// - `Unsupported` if its schema is newer than this program knows.
    /// - `Unavailable` if it cannot be opened or written, or others keep it busy.
    ///
    /// # Cancel safety
    ///
    /// A dropped future may leave the file, with the whole schema or without any.
    pub async fn open(path_or_url: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(SqliteOptions::locate(path_or_url.as_ref())?).await
    }

    /// Options for the database in a file; [`SqliteOptions::open`] opens it.
    pub fn options(path: impl AsRef<Path>) -> SqliteOptions {
        SqliteOptions::new(path)
    }

    pub(super) async fn open_with(options: SqliteOptions) -> Result<Self> {
        let path = options.resolve()?;
        let bus = Bus::of(&path);
        let held = HeldWakeUps::new(bus.clone());
        let pools = Pools::open(&path, &options, held.clone()).await?;
        let tables = Tables::new(options.prefix);
        let sql = Statements::new(&tables);
        let inner = Inner { path, tables, sql, pools, bus, busy_timeout: options.busy_timeout, held };
        let store = Self { inner: Arc::new(inner) };
        if options.auto_migrate == AutoMigrate::OnOpen {
            store.migrate_to(Target::Latest).await?;
        }
        Ok(store)
    }

    /// The file, by its canonical path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Begins a transaction of the caller's own, which holds the write lock of the database from here on.
    ///
    /// # Errors
    ///
    /// `Unavailable` if this store's connection or the lock does not come free in time; `Closed` after a close.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no transaction.
    pub async fn begin(&self) -> Result<SqliteTransaction> {
        SqliteTransaction::begin(&self.inner).await
    }

    /// Closes all connections, once they are given back; whoever asks for one afterwards gets `Closed`. It closes the
    /// clones of this store too.
    ///
    /// # Cancel safety
    ///
    /// A dropped future has closed the store; connections may be open for a while.
    pub async fn close(&self) {
        self.inner.pools.close().await;
    }
}

impl Store for SqliteStore {
    type Conn = SqliteConnection;
    type Guard = PoolConnection<Sqlite>;

    fn capabilities(&self) -> Capabilities {
        Capabilities { wakeups: WakeupReach::Process, processes: Processes::Machine, writers: Writers::One }
    }

    fn wakeups(&self) -> Option<Wakeups> {
        Some(self.inner.bus.listen())
    }

    async fn wake(&self, signals: &[WakeUpSignal]) {
        self.inner.bus.send(signals.iter().cloned());
    }

    async fn acquire(&self, access: Access) -> Result<PoolConnection<Sqlite>> {
        let pool = match access {
            Access::Read => &self.inner.pools.readers,
            Access::Write => &self.inner.pools.writer,
        };
        pool.acquire().await.map_err(|failed| error("acquire", failed))
    }

    fn discard(&self, guard: PoolConnection<Sqlite>) {
        drop(guard.detach());
    }

    async fn check(&self, conn: &mut SqliteConnection) -> Result<()> {
        migrate::check(&self.inner, conn).await
    }

    async fn now(&self, conn: &mut SqliteConnection) -> Result<Timestamp> {
        let row = sqlx::query("SELECT CAST(round(unixepoch('now', 'subsec') * 1000000) AS INTEGER)").fetch_one(conn);
        Columns::new("now", &row.await.map_err(|failed| error("now", failed))?).time()
    }

    async fn load(&self, conn: &mut SqliteConnection, query: &Load) -> Result<Vec<Resource>> {
        load::load(&self.inner, conn, query).await
    }

    async fn commit(&self, conn: &mut SqliteConnection, changes: &Changeset) -> Result<Receipt> {
        commit::commit(&self.inner, conn, changes).await
    }

    async fn claim(
        &self,
        conn: &mut SqliteConnection,
        finished: &Changeset,
        request: &ClaimRequest,
    ) -> Result<Claimed> {
        claim::claim(&self.inner, conn, finished, request).await
    }

    async fn lanes(&self, conn: &mut SqliteConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
        lanes::lanes(&self.inner, conn, query).await
    }

    async fn due(&self, conn: &mut SqliteConnection, query: &DueQuery) -> Result<Vec<Resource>> {
        due::due(&self.inner, conn, query).await
    }

    async fn events(&self, conn: &mut SqliteConnection, query: &EventQuery) -> Result<EventPage> {
        events::events(&self.inner, conn, query).await
    }

    async fn cursors(&self, conn: &mut SqliteConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
        cursors::cursors(&self.inner, conn, query).await
    }

    async fn scopes(&self, conn: &mut SqliteConnection) -> Result<Vec<ScopeRecord>> {
        scopes::scopes(&self.inner, conn).await
    }
}

impl Browse for SqliteStore {
    async fn list(&self, conn: &mut SqliteConnection, query: &ListQuery) -> Result<Vec<Resource>> {
        browse::list(&self.inner, conn, query).await
    }

    async fn count(&self, conn: &mut SqliteConnection, filter: &Filter) -> Result<Vec<StateCount>> {
        browse::count(&self.inner, conn, filter).await
    }

    async fn log_holders(&self, _: &mut SqliteConnection) -> Result<Vec<LogHolder>> {
        Ok(Vec::new())
    }
}

impl Restore for SqliteStore {
    async fn given_out(&self, conn: &mut SqliteConnection) -> Result<GivenOut> {
        restore::given_out(&self.inner, conn).await
    }

    async fn restore(&self, conn: &mut SqliteConnection, batch: &RestoreBatch) -> Result<Restored> {
        restore::restore(&self.inner, conn, batch).await
    }

    /// Plans rest on the indexes alone here.
    async fn refresh(&self, _: &mut SqliteConnection) -> Result<()> {
        Ok(())
    }
}

impl Migrate for SqliteStore {
    async fn migrate_to(&self, target: Target) -> Result<Vec<MigrationStatus>> {
        migrate::migrate_to(&self.inner, target).await
    }

    async fn migration_status(&self) -> Result<Vec<MigrationStatus>> {
        migrate::migration_status(&self.inner).await
    }

    fn migration_sql(&self) -> String {
        migrate::migration_sql(&self.inner)
    }
}
