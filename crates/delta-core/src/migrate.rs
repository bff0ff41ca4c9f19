use std::future::Future;

use crate::error::Result;
use crate::store::Store;

/// A version of the schema, and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The version, from 1.
    pub version: u32,
    /// What it brings.
    pub name: String,
    /// Whether it is applied.
    pub applied: bool,
}

/// Where to migrate to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The newest version that the program knows.
    Latest,
    /// This version. Going down removes what the versions above it brought, and what is stored there; 0 removes all.
    Version(u32),
}

/// Bringing a database's schema to a version. May need more rights than running does.
pub trait Migrate: Store {
    /// Migrates, and says what the database has afterwards.
    ///
    /// # Guarantees
    ///
    /// Safe when several processes call it at once: one of them works, the others wait and find it done.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the database's schema is newer than the program knows; nothing is changed then. To the latest
    /// version there is nothing to do, and no error, if the newer schema serves this program.
    ///
    /// # Cancel safety
    ///
    /// A migration is applied whole or not at all.
    fn migrate_to(&self, target: Target) -> impl Future<Output = Result<Vec<MigrationStatus>>> + Send;

    /// Says which versions the database has.
    fn migration_status(&self) -> impl Future<Output = Result<Vec<MigrationStatus>>> + Send;

    /// The statements that [`migrate_to`](Self::migrate_to) the latest version would run on an empty database.
    fn migration_sql(&self) -> String;
}
