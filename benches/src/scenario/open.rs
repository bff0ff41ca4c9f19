use delta::core::{EventTables, Target};
use delta::{Migrate, MySqlStore, PgDieselStore, PgStore, SqliteStore};

use crate::failure::Failure;

/// A store that can be opened once more on a database, with a pool of its own: as another process would.
pub(super) trait Open: EventTables + Migrate {
    /// Opens it, with its schema up to date.
    fn open(url: &str) -> impl Future<Output = Result<Self, Failure>> + Send;
}

macro_rules! open {
    ($($store:ty: $open:ident;)+) => {$(
        impl Open for $store {
            async fn open(url: &str) -> Result<Self, Failure> {
                let store = Self::$open(url).await?;
                store.migrate_to(Target::Latest).await?;
                Ok(store)
            }
        }
    )+};
}

open! {
    PgStore: connect;
    PgDieselStore: connect;
    MySqlStore: connect;
    SqliteStore: open;
}

/// Evaluates an expression with the type of a backend's store: of those in [`STORES`](super::prepare::STORES), as each costs
/// all scenarios their time to compile.
macro_rules! with_type {
    ($backend:expr, |$store:ident| $body:expr) => {{
        use $crate::server::Backend;
        match $backend {
            Backend::SqlxPostgres => {
                type $store = delta::PgStore;
                $body
            }
            Backend::DieselPostgres => {
                type $store = delta::PgDieselStore;
                $body
            }
            Backend::SqlxMysql => {
                type $store = delta::MySqlStore;
                $body
            }
            Backend::SqlxSqlite => {
                type $store = delta::SqliteStore;
                $body
            }
            other => Err(format!("expected one of the stores that are measured here, found {}", other.name()).into()),
        }
    }};
}

pub(super) use with_type;
