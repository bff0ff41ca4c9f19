use clap::Args;
use delta::core::{Access, Browse, Invalid, MigrationStatus, Target};
use delta::{AnyClient, Client, Error, Migrate};

use crate::failure::Failure;

/// Which database.
#[derive(Args)]
pub(crate) struct Database {
    /// The database: `sqlite://PATH`, or `postgres://USER@HOST:PORT/DATABASE`, or the same with `mysql://` or `mariadb://`.
    #[arg(long, global = true, env = "DELTA_URL", hide_env_values = true, value_name = "URL")]
    url: Option<String>,

    /// The schema of Delta's tables on Postgres, or what their names begin with on SQLite, MySQL and MariaDB.
    #[arg(long, global = true, env = "DELTA_SCHEMA", default_value = "delta", value_name = "NAME")]
    schema: String,
}

/// What to do about a file that does not exist, where a database is a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingFile {
    /// Say so.
    Refuse,
    /// Make it.
    Create,
}

/// Whether to be told by the database what others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Where the database can tell.
    On,
    /// Never: what is done is done at once.
    Off,
}

#[cfg(feature = "sqlite")]
impl From<MissingFile> for delta_store_sqlx::MissingFile {
    fn from(missing: MissingFile) -> Self {
        match missing {
            MissingFile::Refuse => Self::Refuse,
            MissingFile::Create => Self::Create,
        }
    }
}

/// A store on any backend that the program was built with.
#[derive(Debug)]
pub(crate) enum Store {
    #[cfg(feature = "sqlite")]
    Sqlite(delta::SqliteStore),
    #[cfg(feature = "postgres")]
    Postgres(delta::PgStore),
    #[cfg(feature = "mysql")]
    MySql(delta::MySqlStore),
}

/// A backend, by what its URLs begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
    MySql,
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("expected at least one of the features `sqlite`, `postgres` and `mysql`, found none");

impl Backend {
    fn of(scheme: &str) -> Option<Self> {
        match scheme {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::MySql),
            _ => None,
        }
    }
}

impl Database {
    /// A client on the database, whose schema must be the one that this program knows.
    pub(crate) async fn client(&self) -> Result<AnyClient, Failure> {
        with_store!(self.open(MissingFile::Refuse).await?, |store, _backend| client(store).await)
    }

    /// The store, whose schema must be the one that this program knows.
    pub(crate) async fn checked(&self, hearing: Hearing) -> Result<Store, Failure> {
        let store = self.connect(MissingFile::Refuse, hearing).await?;
        with_store!(&store, |store, _backend| check(store).await)?;
        Ok(store)
    }

    /// The store, whatever its schema.
    pub(crate) async fn open(&self, missing_file: MissingFile) -> Result<Store, Failure> {
        self.connect(missing_file, Hearing::Off).await
    }

    #[cfg_attr(
        not(all(feature = "sqlite", feature = "postgres")),
        expect(unused_variables, reason = "SQLite alone has files, and Postgres alone tells")
    )]
    async fn connect(&self, missing_file: MissingFile, hearing: Hearing) -> Result<Store, Failure> {
        let url = self
            .url
            .as_deref()
            .ok_or_else(|| Failure::Usage("expected the database in --url or DELTA_URL, found neither".to_owned()))?;
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        match scheme.and_then(Backend::of) {
            #[cfg(feature = "sqlite")]
            Some(Backend::Sqlite) => {
                use delta_store_sqlx::{AutoMigrate, SqliteOptions};
                let options = SqliteOptions::from_url(url)?
                    .table_prefix(delta_sql::TablePrefix::new(&self.schema)?)
                    .auto_migrate(AutoMigrate::Never)
                    .missing_file(missing_file.into());
                Ok(Store::Sqlite(options.open().await?))
            }
            #[cfg(feature = "postgres")]
            Some(Backend::Postgres) => {
                use delta_store_sqlx::{Listen, PgOptions, PgSettings};
                let listen = match hearing {
                    Hearing::On => Listen::On,
                    Hearing::Off => Listen::Off,
                };
                let settings = PgSettings::new().schema(&self.schema)?.listen(listen);
                let options = PgOptions::new(url).settings(settings).connections(2).application_name("delta-cli");
                Ok(Store::Postgres(options.connect().await?))
            }
            #[cfg(feature = "mysql")]
            Some(Backend::MySql) => {
                use delta_store_sqlx::{MySqlOptions, MySqlSettings};
                let settings = MySqlSettings::new().table_prefix(self.schema.as_str())?;
                Ok(Store::MySql(MySqlOptions::new(url).settings(settings).connections(2).connect().await?))
            }
            #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
            Some(backend) => Err(not_built(backend).into()),
            None => {
                // The rest of it may hold a password.
                let found = scheme.map_or_else(|| "no scheme".to_owned(), |scheme| format!("the scheme {scheme:?}"));
                Err(Invalid::new("url", "sqlite://…, postgres://…, mysql://… or mariadb://…", found).into())
            }
        }
    }
}

/// What is said of a backend that was left out when the program was built.
#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn not_built(backend: Backend) -> Error {
    let feature = match backend {
        Backend::Sqlite => "sqlite",
        Backend::Postgres => "postgres",
        Backend::MySql => "mysql",
    };
    let what = format!("expected a program with the feature `{feature}`, found one that was built without it");
    Error::new(delta::ErrorKind::Unsupported, "database url", what)
}

/// Runs the rest with the store of a database, whichever it is, and the name of its backend.
macro_rules! with_store {
    ($store:expr, |$name:ident, $backend:ident| $run:expr) => {
        match $store {
            #[cfg(feature = "sqlite")]
            $crate::database::Store::Sqlite($name) => {
                let $backend = "sqlite";
                $run
            }
            #[cfg(feature = "postgres")]
            $crate::database::Store::Postgres($name) => {
                let $backend = "postgres";
                $run
            }
            #[cfg(feature = "mysql")]
            $crate::database::Store::MySql($name) => {
                let $backend = "mysql";
                $run
            }
        }
    };
}
pub(crate) use with_store;

impl std::fmt::Debug for Database {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) async fn migrate(&self, target: Target) -> Result<Vec<MigrationStatus>, Error> {
        with_store!(self, |store, _backend| store.migrate_to(target).await)
    }

    pub(crate) async fn migration_status(&self) -> Result<Vec<MigrationStatus>, Error> {
        with_store!(self, |store, _backend| store.migration_status().await)
    }

    pub(crate) fn migration_sql(&self) -> String {
        with_store!(self, |store, _backend| store.migration_sql())
    }
}

async fn client<S: Browse>(store: S) -> Result<AnyClient, Failure> {
    check(&store).await?;
    let client = Client::builder(store).build()?;
    Ok(AnyClient::clone(&client))
}

async fn check<S: Browse>(store: &S) -> Result<(), Failure> {
    let mut connection = store.acquire(Access::Read).await?;
    Ok(store.check(&mut connection).await?)
}
