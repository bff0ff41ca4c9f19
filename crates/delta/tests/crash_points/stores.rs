//! The stores, opened as a process opens them: what is in the database is left as it is.

use std::time::Duration;

use delta::core::{EventTables, Migrate, Store};
use delta::{MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};
use delta_store_sqlx::AutoMigrate;

use crate::place::{Database, Place};

/// How many connections a process has, but on SQLite.
const CONNECTIONS: u32 = 6;

/// Waits for those that have been killed to let go of what they have locked.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) trait Crashed: Place + EventTables + Migrate + Store {
    /// Its name for a process.
    const WORD: &'static str;

    /// The names of the tables of resources, of their details, and of their errors; and what a detail calls its resource.
    const TABLES: [&'static str; 4];

    /// How many points are tried at once: as many as wait for leases most of the time.
    const AT_ONCE: usize;

    /// A database of a trial's own.
    async fn database() -> Database;

    /// Opens it, and migrates nothing.
    async fn open(url: &str) -> delta::Result<Self>;
}

/// Where a process finds a database.
pub(crate) fn url_of(database: &Database) -> String {
    match database {
        Database::Sqlite(directory) => directory.path().join("delta.db").to_str().unwrap().to_owned(),
        Database::Postgres(database) => database.url().to_owned(),
        Database::MariaDb(database) => database.url().to_owned(),
        Database::Memory(_) => panic!("a process cannot reach the memory of another"),
    }
}

const PREFIXED: [&str; 4] = ["delta_resource", "delta_detail", "delta_attempt_error", "resource_id"];
const IN_SCHEMA: [&str; 4] = ["delta.resource", "delta.resource_detail", "delta.attempt_error", "id"];

impl Crashed for SqliteStore {
    const WORD: &'static str = "sqlite";
    const TABLES: [&'static str; 4] = ["delta_resource", "delta_detail", "delta_error", "resource_id"];
    const AT_ONCE: usize = 12;

    async fn database() -> Database {
        Database::sqlite()
    }

    async fn open(path: &str) -> delta::Result<Self> {
        Self::options(path).busy_timeout(PATIENCE).auto_migrate(AutoMigrate::Never).open().await
    }
}

impl Crashed for PgStore {
    const WORD: &'static str = "postgres";
    const TABLES: [&'static str; 4] = IN_SCHEMA;
    const AT_ONCE: usize = 12;

    async fn database() -> Database {
        Database::postgres().await
    }

    async fn open(url: &str) -> delta::Result<Self> {
        Self::options(url).connections(CONNECTIONS).connect().await
    }
}

impl Crashed for PgDieselStore {
    const WORD: &'static str = "diesel-postgres";
    const TABLES: [&'static str; 4] = IN_SCHEMA;
    const AT_ONCE: usize = 12;

    async fn database() -> Database {
        Database::postgres().await
    }

    async fn open(url: &str) -> delta::Result<Self> {
        Self::options(url).connections(CONNECTIONS).connect().await
    }
}

impl Crashed for MySqlStore {
    const WORD: &'static str = "mariadb";
    const TABLES: [&'static str; 4] = PREFIXED;
    const AT_ONCE: usize = 12;

    async fn database() -> Database {
        Database::mariadb().await
    }

    async fn open(url: &str) -> delta::Result<Self> {
        Self::options(url).connections(CONNECTIONS).connect().await
    }
}

impl Crashed for MySqlDieselStore {
    const WORD: &'static str = "diesel-mariadb";
    const TABLES: [&'static str; 4] = PREFIXED;
    const AT_ONCE: usize = 12;

    async fn database() -> Database {
        Database::mariadb().await
    }

    async fn open(url: &str) -> delta::Result<Self> {
        Self::options(url).connections(CONNECTIONS).connect().await
    }
}
