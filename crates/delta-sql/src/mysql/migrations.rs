use std::sync::Arc;

use super::text::statements::{TABLES, render, table};
use crate::{Migration, TablePrefix};

/// The migrations of a set of tables, oldest first.
pub(super) fn migrations(prefix: &TablePrefix) -> Vec<Migration> {
    vec![
        Migration {
            version: 1,
            name: "resources, events and cursors",
            serves: 1,
            up: render(prefix, include_str!("migrations/0001_up.sql")),
            down: render(prefix, include_str!("migrations/0001_down.sql")),
        },
        Migration {
            version: 2,
            name: "dead letters",
            serves: 1,
            up: render(prefix, include_str!("migrations/0002_up.sql")),
            down: render(prefix, include_str!("migrations/0002_down.sql")),
        },
    ]
}

/// What keeps the record of which migrations a set of tables has.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    table: String,
    /// Waits for whoever migrates these tables, and says whether the lock was had. Its name is one of the server, so it has
    /// the database in it.
    pub(super) lock: Arc<str>,
    /// Lets go of that lock.
    pub(super) unlock: Arc<str>,
    /// Whether there is a database that is spoken to, and whether the table of applied versions exists in it.
    pub(super) has_table: Arc<str>,
    /// Creates the table of applied versions.
    pub(super) create_table: String,
    /// The applied versions.
    pub(super) versions: Arc<str>,
    /// Removes the table of applied versions.
    pub(super) drop_table: String,
    /// Tables and texts that are not as they were made: names, and what was found.
    pub(super) strays: Arc<str>,
}

impl Ledger {
    /// The statements for a set of tables.
    pub(super) fn new(prefix: &TablePrefix) -> Self {
        let name = format!("CONCAT('delta ', SHA1(CONCAT(DATABASE(), '.', '{prefix}')))");
        let tables = TABLES.map(|name| format!("'{prefix}_{name}'")).join(", ");
        Self {
            table: table(prefix, "migration"),
            lock: format!("SELECT GET_LOCK({name}, 60)").into(),
            unlock: format!("SELECT RELEASE_LOCK({name})").into(),
            has_table: format!(
                "SELECT DATABASE(), COUNT(*) FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{prefix}_migration'"
            )
            .into(),
            create_table: render(
                prefix,
                "CREATE TABLE IF NOT EXISTS {migration} (version INT NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, \
                 serves INT NOT NULL, applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) \
                 ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            ),
            versions: render(prefix, "SELECT version, name, serves FROM {migration} ORDER BY version").into(),
            drop_table: render(prefix, "DROP TABLE IF EXISTS {migration}"),
            strays: format!(
                "SELECT t.TABLE_NAME, t.ENGINE FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = DATABASE() \
                 AND t.TABLE_NAME IN ({tables}) AND t.ENGINE <> 'InnoDB' \
                 UNION ALL SELECT CONCAT(c.TABLE_NAME, '.', c.COLUMN_NAME), c.CHARACTER_SET_NAME \
                 FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME IN ({tables}) \
                 AND c.DATA_TYPE IN ('text', 'longtext') AND c.CHARACTER_SET_NAME <> 'utf8mb4'"
            )
            .into(),
        }
    }

    /// Notes a migration as applied.
    pub(super) fn note(&self, migration: &Migration) -> String {
        let Migration { version, name, serves, .. } = migration;
        format!("INSERT INTO {} (version, name, serves) VALUES ({version}, '{name}', {serves})", self.table)
    }

    /// Forgets a migration.
    pub(super) fn forget(&self, migration: &Migration) -> String {
        format!("DELETE FROM {} WHERE version = {}", self.table, migration.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one_and_nothing_is_left_to_fill_in() {
        let prefix = TablePrefix::new("sync").unwrap();
        for (migration, version) in migrations(&prefix).iter().zip(1..) {
            assert_eq!(migration.version, version);
            for text in [&migration.up, &migration.down] {
                assert!(text.contains("`sync_") && !text.contains('{'), "{text}");
            }
        }
    }

    #[test]
    fn every_table_that_is_made_is_dropped() {
        let named = |text: &str, before: &str| {
            let names = text.split(before).skip(1).filter_map(|rest| rest.split('`').nth(1).map(str::to_owned));
            names.collect::<std::collections::BTreeSet<_>>()
        };
        let mut tables = 1;
        for migration in migrations(&TablePrefix::default()) {
            let made = named(&migration.up, "CREATE TABLE IF NOT EXISTS ");
            assert_eq!(made, named(&migration.down, "DROP TABLE IF EXISTS "));
            tables += made.len();
        }
        assert_eq!(tables, TABLES.len(), "all, and the record of migrations");
    }
}
