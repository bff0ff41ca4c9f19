use clap::Args;
use delta::core::{Access, Browse, Invalid, MigrationStatus, Target};
use delta::{AnyClient, Client, Error, Migrate, MySqlStore, PgStore, SqliteStore};
use delta_sql::TablePrefix;
use delta_store_sqlx::{
    AutoMigrate, Listen, MissingFile, MySqlOptions, MySqlSettings, PgOptions, PgSettings, SqliteOptions,
};

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

/// A store on any backend.
#[derive(Debug)]
pub(crate) enum Store {
    Sqlite(SqliteStore),
    Postgres(PgStore),
    MySql(MySqlStore),
}

impl Database {
    /// A client on the database, whose schema must be the one that this program knows.
    pub(crate) async fn client(&self) -> Result<AnyClient, Failure> {
        match self.open(MissingFile::Refuse).await? {
            Store::Sqlite(store) => client(store).await,
            Store::Postgres(store) => client(store).await,
            Store::MySql(store) => client(store).await,
        }
    }

    /// The store, whatever its schema.
    pub(crate) async fn open(&self, missing_file: MissingFile) -> Result<Store, Failure> {
        let url = self
            .url
            .as_deref()
            .ok_or_else(|| Failure::Usage("expected the database in --url or DELTA_URL, found neither".to_owned()))?;
        Ok(match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => {
                let options = SqliteOptions::from_url(url)?
                    .table_prefix(TablePrefix::new(&self.schema)?)
                    .auto_migrate(AutoMigrate::Never)
                    .missing_file(missing_file);
                Store::Sqlite(options.open().await?)
            }
            Some("postgres" | "postgresql") => {
                let settings = PgSettings::new().schema(&self.schema)?.listen(Listen::Off);
                let options = PgOptions::new(url).settings(settings).connections(2).application_name("delta-cli");
                Store::Postgres(options.connect().await?)
            }
            Some("mysql" | "mariadb") => {
                let settings = MySqlSettings::new().table_prefix(self.schema.as_str())?;
                Store::MySql(MySqlOptions::new(url).settings(settings).connections(2).connect().await?)
            }
            scheme => {
                // The rest of it may hold a password.
                let found = scheme.map_or_else(|| "no scheme".to_owned(), |scheme| format!("the scheme {scheme:?}"));
                return Err(Invalid::new("url", "sqlite://…, postgres://…, mysql://… or mariadb://…", found).into());
            }
        })
    }
}

/// Runs the rest with the store of a database, whichever it is, and the name of its backend.
macro_rules! with_store {
    ($store:expr, |$name:ident, $backend:ident| $run:expr) => {
        match $store {
            $crate::database::Store::Sqlite($name) => {
                let $backend = "sqlite";
                $run
            }
            $crate::database::Store::Postgres($name) => {
                let $backend = "postgres";
                $run
            }
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
        match self {
            Self::Sqlite(store) => store.migrate_to(target).await,
            Self::Postgres(store) => store.migrate_to(target).await,
            Self::MySql(store) => store.migrate_to(target).await,
        }
    }

    pub(crate) async fn migration_status(&self) -> Result<Vec<MigrationStatus>, Error> {
        match self {
            Self::Sqlite(store) => store.migration_status().await,
            Self::Postgres(store) => store.migration_status().await,
            Self::MySql(store) => store.migration_status().await,
        }
    }

    pub(crate) fn migration_sql(&self) -> String {
        match self {
            Self::Sqlite(store) => store.migration_sql(),
            Self::Postgres(store) => store.migration_sql(),
            Self::MySql(store) => store.migration_sql(),
        }
    }
}

async fn client<S: Browse>(store: S) -> Result<AnyClient, Failure> {
    let mut connection = store.acquire(Access::Read).await?;
    store.check(&mut connection).await?;
    drop(connection);
    let client = Client::builder(store).build()?;
    Ok(AnyClient::clone(&client))
}
