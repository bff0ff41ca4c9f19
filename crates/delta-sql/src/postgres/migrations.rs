use std::sync::Arc;

use super::log::LogSpace;
use crate::{Migration, SchemaName};

/// The migrations of a schema, oldest first.
pub(super) fn migrations(schema: &SchemaName) -> Vec<Migration> {
    let render = |text: &str| {
        let space = LogSpace::of(schema).number();
        text.replace("{schema}", &schema.quoted()).replace("{log_key}", &format!("({space}::bigint << 48)"))
    };
    vec![
        Migration {
            version: 1,
            name: "resources, events and cursors",
            serves: 1,
            up: render(include_str!("migrations/0001_up.sql")),
            down: render(include_str!("migrations/0001_down.sql")),
        },
        Migration {
            version: 2,
            name: "dead letters",
            serves: 1,
            up: render(include_str!("migrations/0002_up.sql")),
            down: render(include_str!("migrations/0002_down.sql")),
        },
    ]
}

/// What keeps the record of which migrations a schema has.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    table: String,
    /// Waits for whoever migrates this schema, until the transaction ends.
    pub(super) lock: String,
    /// Whether the schema exists.
    pub(super) has_schema: Arc<str>,
    /// Creates the schema.
    pub(super) create_schema: String,
    /// Whether the table of applied versions exists and may be read.
    pub(super) has_table: Arc<str>,
    /// Creates the table of applied versions.
    pub(super) create_table: String,
    /// The applied versions, and their names.
    pub(super) versions: Arc<str>,
    /// Removes the table, and the schema if it is this role's own, holds nothing else and could be made again.
    pub(super) remove: String,
}

impl Ledger {
    /// The statements for a schema.
    pub(super) fn new(schema: &SchemaName) -> Self {
        let render = |text: &str| {
            // Two integers as a key, which never meet the single bigint of a log's appenders.
            let key = LogSpace::of(schema).number();
            let text = text.replace("{schema}", &schema.quoted()).replace("{name}", schema.as_str());
            text.replace("{lock}", &format!("{}, {key}", 0x0de1_7a00))
        };
        Self {
            lock: render("SELECT pg_advisory_xact_lock({lock})"),
            has_schema: render("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{name}')").into(),
            create_schema: render("CREATE SCHEMA {schema}"),
            has_table: render(
                "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = '{name}' AND c.relname = 'migration')",
            )
            .into(),
            create_table: render(
                "CREATE TABLE {schema}.migration (version integer PRIMARY KEY, name text NOT NULL, \
                 serves integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
            ),
            versions: render("SELECT version, name, serves FROM {schema}.migration ORDER BY version").into(),
            table: render("{schema}.migration"),
            remove: render(include_str!("migrations/remove.sql")),
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
        let schema = SchemaName::new("sync").unwrap();
        for (migration, version) in migrations(&schema).iter().zip(1..) {
            assert_eq!(migration.version, version);
            for text in [&migration.up, &migration.down] {
                assert!(text.contains("\"sync\".") && !text.contains('{'.to_string().as_str()), "{text}");
            }
        }
    }
}
