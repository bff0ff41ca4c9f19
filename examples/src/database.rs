use delta::core::Invalid;
use delta::{Error, Migrate as _, PgStore, SqliteStore};

/// A database given by URL, with its schema up to date.
///
/// A client is built on either store alike; only the type differs, so a function generic over the store takes both.
#[derive(Clone, Debug)]
pub enum Database {
    Sqlite(SqliteStore),
    Postgres(PgStore),
}

impl Database {
    pub async fn open(url: &str) -> Result<Self, Error> {
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite(SqliteStore::open(url).await?)),
            Some("postgres" | "postgresql") => {
                let store = PgStore::connect(url).await?;
                store.migrate_to(delta::core::Target::Latest).await?;
                Ok(Self::Postgres(store))
            }
            scheme => {
                let found = scheme.map_or_else(|| "no scheme".to_owned(), |scheme| format!("the scheme {scheme:?}"));
                Err(Invalid::new("url", "sqlite://PATH or postgres://USER@HOST/DATABASE", found).into())
            }
        }
    }
}
