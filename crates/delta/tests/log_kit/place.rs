//! The backends: a database of a test's own, and stores on it.

use std::future::Future;
use std::time::Duration;

use delta::core::{EventTables, Migrate, Store, Target};
use delta::{MemoryStore, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use delta_store_diesel::diesel::dsl::sql;
use delta_store_diesel::diesel::sql_types::{BigInt, Integer};
use delta_store_diesel::diesel::{self};
use delta_store_diesel::diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

/// How many connections a store has: those of eight writers, of consumers, and of those that a crash has taken.
const CONNECTIONS: u32 = 24;

/// A database of a test's own, gone with the value.
pub(crate) enum Database {
    Memory(MemoryStore),
    Sqlite(TempDir),
    Postgres(PostgresDatabase),
    MariaDb(MariaDbDatabase),
}

impl Database {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryStore::new())
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(PostgresDatabase::create().await.unwrap())
    }

    pub(crate) async fn mariadb() -> Self {
        Self::MariaDb(MariaDbDatabase::create().await.unwrap())
    }

    /// A new store on it, whose schema is there.
    pub(crate) async fn store<S: Place>(&self) -> S {
        match self {
            Self::Memory(store) => S::of_memory(store),
            Self::Sqlite(directory) => S::connect(directory.path().join("delta.db").to_str().unwrap()).await,
            Self::Postgres(database) => S::connect(database.url()).await,
            Self::MariaDb(database) => S::connect(database.url()).await,
        }
    }
}

/// A store that tests of logs run on.
pub(crate) trait Place: EventTables + Clone {
    /// Its name in the matrix of the README.
    const NAME: &'static str;
    /// Whether it has SQL.
    const SQL: bool = true;

    /// A store on a database, whose schema is there then.
    fn connect(url: &str) -> impl Future<Output = Self> + Send;

    /// A store on what another has in memory.
    fn of_memory(_: &MemoryStore) -> Self {
        panic!("{} is not in memory", Self::NAME)
    }

    /// Runs SQL of the test's own on a connection of the store's.
    fn execute(conn: &mut Self::Conn, sql: &str) -> impl Future<Output = ()> + Send;

    /// Runs SQL that may fail.
    fn try_execute(conn: &mut Self::Conn, sql: &str) -> impl Future<Output = Result<(), String>> + Send;

    /// The numbers that `SELECT` and this text choose.
    fn numbers(conn: &mut Self::Conn, choice: &str) -> impl Future<Output = Vec<i64>> + Send;

    /// What the database calls a connection.
    fn session(conn: &mut Self::Conn) -> impl Future<Output = String> + Send;
}

impl Place for MemoryStore {
    const NAME: &'static str = "memory";
    const SQL: bool = false;

    async fn connect(url: &str) -> Self {
        panic!("nothing in memory is at {url}")
    }

    fn of_memory(store: &MemoryStore) -> Self {
        store.clone()
    }

    async fn execute(_: &mut Self::Conn, sql: &str) {
        panic!("no SQL in memory: {sql}")
    }

    async fn try_execute(_: &mut Self::Conn, sql: &str) -> Result<(), String> {
        Err(format!("no SQL in memory: {sql}"))
    }

    async fn numbers(_: &mut Self::Conn, choice: &str) -> Vec<i64> {
        panic!("no SQL in memory: {choice}")
    }

    async fn session(_: &mut Self::Conn) -> String {
        panic!("no sessions in memory")
    }
}

impl Place for SqliteStore {
    const NAME: &'static str = "sqlx: SQLite";

    async fn connect(path: &str) -> Self {
        Self::options(path).busy_timeout(Duration::from_mins(2)).open().await.unwrap()
    }

    async fn execute(conn: &mut Self::Conn, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.unwrap();
    }

    async fn try_execute(conn: &mut Self::Conn, sql: &str) -> Result<(), String> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn numbers(conn: &mut Self::Conn, choice: &str) -> Vec<i64> {
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT {choice}"))).fetch_all(conn).await.unwrap()
    }

    async fn session(_: &mut Self::Conn) -> String {
        panic!("no sessions in a file")
    }
}

async fn migrated<S: Store + Migrate>(store: S) -> S {
    store.migrate_to(Target::Latest).await.unwrap();
    store
}

impl Place for PgStore {
    const NAME: &'static str = "sqlx: Postgres";

    async fn connect(url: &str) -> Self {
        migrated(Self::options(url).connections(CONNECTIONS).connect().await.unwrap()).await
    }

    async fn execute(conn: &mut Self::Conn, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.unwrap();
    }

    async fn try_execute(conn: &mut Self::Conn, sql: &str) -> Result<(), String> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn numbers(conn: &mut Self::Conn, choice: &str) -> Vec<i64> {
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT {choice}"))).fetch_all(conn).await.unwrap()
    }

    async fn session(conn: &mut Self::Conn) -> String {
        sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()").fetch_one(conn).await.unwrap().to_string()
    }
}

impl Place for MySqlStore {
    const NAME: &'static str = "sqlx: MariaDB";

    async fn connect(url: &str) -> Self {
        migrated(Self::options(url).connections(CONNECTIONS).connect().await.unwrap()).await
    }

    async fn execute(conn: &mut Self::Conn, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.unwrap();
    }

    async fn try_execute(conn: &mut Self::Conn, sql: &str) -> Result<(), String> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn numbers(conn: &mut Self::Conn, choice: &str) -> Vec<i64> {
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT {choice}"))).fetch_all(conn).await.unwrap()
    }

    async fn session(conn: &mut Self::Conn) -> String {
        sqlx::query_scalar::<_, u64>("SELECT CONNECTION_ID()").fetch_one(conn).await.unwrap().to_string()
    }
}

impl Place for PgDieselStore {
    const NAME: &'static str = "diesel: Postgres";

    async fn connect(url: &str) -> Self {
        migrated(Self::options(url).connections(CONNECTIONS).connect().await.unwrap()).await
    }

    async fn execute(conn: &mut Self::Conn, sql: &str) {
        conn.batch_execute(sql).await.unwrap();
    }

    async fn try_execute(conn: &mut Self::Conn, sql: &str) -> Result<(), String> {
        conn.batch_execute(sql).await.map_err(|error| error.to_string())
    }

    async fn numbers(conn: &mut Self::Conn, choice: &str) -> Vec<i64> {
        diesel::select(sql::<BigInt>(choice)).load(conn).await.unwrap()
    }

    async fn session(conn: &mut Self::Conn) -> String {
        diesel::select(sql::<Integer>("pg_backend_pid()")).get_result::<i32>(conn).await.unwrap().to_string()
    }
}

impl Place for MySqlDieselStore {
    const NAME: &'static str = "diesel: MariaDB";

    async fn connect(url: &str) -> Self {
        migrated(Self::options(url).connections(CONNECTIONS).connect().await.unwrap()).await
    }

    async fn execute(conn: &mut Self::Conn, sql: &str) {
        conn.batch_execute(sql).await.unwrap();
    }

    async fn try_execute(conn: &mut Self::Conn, sql: &str) -> Result<(), String> {
        conn.batch_execute(sql).await.map_err(|error| error.to_string())
    }

    async fn numbers(conn: &mut Self::Conn, choice: &str) -> Vec<i64> {
        diesel::select(sql::<BigInt>(choice)).load(conn).await.unwrap()
    }

    async fn session(conn: &mut Self::Conn) -> String {
        diesel::select(sql::<BigInt>("CONNECTION_ID()")).get_result::<i64>(conn).await.unwrap().to_string()
    }
}
