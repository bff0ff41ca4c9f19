use clap::ValueEnum;

/// One of our stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Postgres through sqlx.
    SqlxPostgres,
    /// Postgres through diesel-async.
    DieselPostgres,
    /// MariaDB through sqlx.
    SqlxMysql,
    /// MariaDB through diesel-async.
    DieselMysql,
    /// SQLite through sqlx.
    SqlxSqlite,
    /// In memory.
    Memory,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::SqlxPostgres, Self::DieselPostgres, Self::SqlxMysql, Self::DieselMysql, Self::SqlxSqlite, Self::Memory];

    /// What it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SqlxPostgres => "sqlx-postgres",
            Self::DieselPostgres => "diesel-postgres",
            Self::SqlxMysql => "sqlx-mysql",
            Self::DieselMysql => "diesel-mysql",
            Self::SqlxSqlite => "sqlx-sqlite",
            Self::Memory => "memory",
        }
    }

    /// What it is called in tables and plots.
    #[must_use]
    pub fn subject(self) -> String {
        format!("delta-{}", self.name())
    }
}

/// Opens the store of a [`Backend`] on the database of a [`Place`](crate::server::Place), its schema up to date, and
/// evaluates an expression that is generic over it. It returns early where the store cannot be opened.
#[macro_export]
macro_rules! with_store {
    ($backend:expr, $url:expr, |$store:ident| $body:expr) => {{
        use delta::Migrate as _;
        match $backend {
            $crate::server::Backend::SqlxPostgres => $crate::with_store!(@ delta::PgStore::connect($url).await?, $store, $body),
            $crate::server::Backend::DieselPostgres => {
                $crate::with_store!(@ delta::PgDieselStore::connect($url).await?, $store, $body)
            }
            $crate::server::Backend::SqlxMysql => $crate::with_store!(@ delta::MySqlStore::connect($url).await?, $store, $body),
            $crate::server::Backend::DieselMysql => {
                $crate::with_store!(@ delta::MySqlDieselStore::connect($url).await?, $store, $body)
            }
            $crate::server::Backend::SqlxSqlite => $crate::with_store!(@ delta::SqliteStore::open($url).await?, $store, $body),
            $crate::server::Backend::Memory => {
                let $store = delta::MemoryStore::new();
                $body
            }
        }
    }};
    (@ $open:expr, $store:ident, $body:expr) => {{
        let $store = $open;
        $store.migrate_to(delta::core::Target::Latest).await?;
        $body
    }};
}
