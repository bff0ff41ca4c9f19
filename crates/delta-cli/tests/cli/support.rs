use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use delta::{Client, Migrate as _, MySqlStore, Object, PgStore, SqliteStore};
use delta_store_sqlx::{AutoMigrate, SqliteOptions};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

/// A fresh database without a schema, by the URL that the program is given.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Sqlite { _directory: TempDir },
    Postgres { _database: PostgresDatabase },
    MariaDb { _database: MariaDbDatabase },
}

/// A store on any backend.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Sqlite(SqliteStore),
    Postgres(PgStore),
    MySql(MySqlStore),
}

/// Runs the rest with the store of a database, whichever it is.
#[macro_export]
macro_rules! with_store {
    ($database:expr, |$store:ident| $body:expr) => {
        match $database.store().await {
            $crate::support::Store::Sqlite($store) => $body,
            $crate::support::Store::Postgres($store) => $body,
            $crate::support::Store::MySql($store) => $body,
        }
    };
}

/// Makes tests of a function: on SQLite, on Postgres and on MariaDB.
#[macro_export]
macro_rules! on_all {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(database) = $crate::support::Database::sqlite() {
                    super::$name(&database).await;
                }
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(database) = $crate::support::Database::postgres().await {
                    super::$name(&database).await;
                }
            })*
        }
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(database) = $crate::support::Database::mariadb().await {
                    super::$name(&database).await;
                }
            })*
        }
    };
}

impl Database {
    /// `None` if SQLite was left out on purpose.
    pub(crate) fn sqlite() -> Option<Self> {
        if !Backend::Sqlite.enabled() {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("delta.db").display());
        Some(Self { url, kept: Kept::Sqlite { _directory: directory } })
    }

    /// `None` if Postgres was left out on purpose.
    pub(crate) async fn postgres() -> Option<Self> {
        if !Backend::Postgres.enabled() {
            return None;
        }
        let database = PostgresDatabase::create().await.unwrap_or_else(|error| panic!("{error}"));
        Some(Self { url: database.url().to_owned(), kept: Kept::Postgres { _database: database } })
    }

    /// `None` if MariaDB was left out on purpose.
    pub(crate) async fn mariadb() -> Option<Self> {
        if !Backend::MariaDb.enabled() {
            return None;
        }
        let database = MariaDbDatabase::create().await.unwrap_or_else(|error| panic!("{error}"));
        Some(Self { url: database.url().to_owned(), kept: Kept::MariaDb { _database: database } })
    }

    /// A store, after the program has migrated.
    pub(crate) async fn store(&self) -> Store {
        match self.kept {
            Kept::Sqlite { .. } => Store::Sqlite(SqliteStore::open(&self.url).await.unwrap()),
            Kept::Postgres { .. } => {
                let store = PgStore::connect(&self.url).await.unwrap();
                store.migrate_to(delta::core::Target::Latest).await.unwrap();
                Store::Postgres(store)
            }
            Kept::MariaDb { .. } => {
                let store = MySqlStore::connect(&self.url).await.unwrap();
                store.migrate_to(delta::core::Target::Latest).await.unwrap();
                Store::MySql(store)
            }
        }
    }

    /// A store that leaves the schema as it is.
    pub(crate) async fn store_as_it_is(&self) -> Store {
        match self.kept {
            Kept::Sqlite { .. } => {
                let options = SqliteOptions::from_url(&self.url).unwrap().auto_migrate(AutoMigrate::Never);
                Store::Sqlite(options.open().await.unwrap())
            }
            Kept::Postgres { .. } => Store::Postgres(PgStore::connect(&self.url).await.unwrap()),
            Kept::MariaDb { .. } => Store::MySql(MySqlStore::connect(&self.url).await.unwrap()),
        }
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments))
    }

    /// Runs the program with `--json`, which must succeed, and reads what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_delta"));
        command.args(arguments).env("DELTA_URL", &self.url).env_remove("DELTA_SCHEMA").stdin(Stdio::null());
        command
    }
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(mut command: Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }
}

/// Writes a file that is no database.
pub(crate) fn garbage(directory: &TempDir) -> String {
    let path = directory.path().join("garbage.db");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&b"this is not a database. ".repeat(1_000)).unwrap();
    format!("sqlite://{}", path.display())
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) email: String,
}

impl Object for Customer {
    const KIND: &'static str = "customer";

    fn id(&self) -> String {
        self.id.clone()
    }
}

pub(crate) fn customer(id: &str) -> Customer {
    Customer { id: id.to_owned(), email: format!("{id}@example.com") }
}

/// Informs customers by a client without controllers.
pub(crate) async fn inform(database: &Database, ids: &[&str]) {
    let customers: Vec<_> = ids.iter().map(|id| customer(id)).collect();
    with_store!(database, |store| {
        let client = Client::builder(store).build().unwrap();
        for answer in client.inform_many(customers).await.unwrap() {
            answer.unwrap();
        }
    });
}
