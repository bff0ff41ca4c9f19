use delta_core::{Migrate, MigrationStatus, Result, Target};

use super::operation::Operation;
use super::store::FaultStore;

#[deny(clippy::missing_trait_methods)]
impl<S: Migrate> Migrate for FaultStore<S> {
    async fn migrate_to(&self, target: Target) -> Result<Vec<MigrationStatus>> {
        self.hit(Operation::Migrate, self.inner().migrate_to(target)).await
    }

    async fn migration_status(&self) -> Result<Vec<MigrationStatus>> {
        self.inner().migration_status().await
    }

    fn migration_sql(&self) -> String {
        self.inner().migration_sql()
    }
}
