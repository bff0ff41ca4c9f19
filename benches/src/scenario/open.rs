use delta::core::EventTables;
use delta::{Migrate, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, SqliteStore};

use crate::failure::Failure;

/// A store that can be opened once more on a database, with a pool of its own: as another process would.
pub(super) trait Open: EventTables + Migrate {
    /// Opens it.
    fn open(url: &str) -> impl Future<Output = Result<Self, Failure>> + Send;
}

macro_rules! open {
    ($($store:ty: $open:ident;)+) => {$(
        impl Open for $store {
            async fn open(url: &str) -> Result<Self, Failure> {
                Ok(Self::$open(url).await?)
            }
        }
    )+};
}

open! {
    PgStore: connect;
    PgDieselStore: connect;
    MySqlStore: connect;
    MySqlDieselStore: connect;
    SqliteStore: open;
}
