use crate::postgres::LogSpace;
use crate::{Migration, SchemaName};

/// The migrations of a schema, oldest first.
#[must_use]
pub fn migrations(schema: &SchemaName) -> Vec<Migration> {
    let render = |text: &str| {
        let space = LogSpace::of(schema).number();
        text.replace("{schema}", &schema.quoted()).replace("{log_key}", &format!("({space}::bigint << 48)"))
    };
    vec![Migration {
        version: 1,
        name: "resources, events and cursors",
        up: render(include_str!("migrations/0001_up.sql")),
        down: render(include_str!("migrations/0001_down.sql")),
    }]
}

/// What keeps the record of which migrations a schema has.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Waits for whoever migrates this schema, until the transaction ends.
    pub lock: String,
    /// Whether the schema exists.
    pub has_schema: String,
    /// Creates the schema.
    pub create_schema: String,
    /// Whether the table of applied versions exists and may be read.
    pub has_table: String,
    /// Creates the table of applied versions.
    pub create_table: String,
    /// The applied versions, and their names.
    pub versions: String,
    /// Notes a version as applied: its number and name.
    pub note: String,
    /// Forgets a version.
    pub forget: String,
    /// Removes the table, and the schema if it is this role's own, holds nothing else and could be made again.
    pub remove: String,
}

impl Ledger {
    /// The statements for a schema.
    #[must_use]
    pub fn new(schema: &SchemaName) -> Self {
        let render = |text: &str| {
            // Two integers as a key, which never meet the single bigint of a log's appenders.
            let key = LogSpace::of(schema).number();
            let text = text.replace("{schema}", &schema.quoted()).replace("{name}", schema.as_str());
            text.replace("{lock}", &format!("{}, {key}", 0x0de1_7a00))
        };
        Self {
            lock: render("SELECT pg_advisory_xact_lock({lock})"),
            has_schema: render("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{name}')"),
            create_schema: render("CREATE SCHEMA {schema}"),
            has_table: render(
                "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = '{name}' AND c.relname = 'migration')",
            ),
            create_table: render(
                "CREATE TABLE {schema}.migration (version integer PRIMARY KEY, name text NOT NULL, \
                 applied_at timestamptz NOT NULL DEFAULT now())",
            ),
            versions: render("SELECT version, name FROM {schema}.migration ORDER BY version"),
            note: render("INSERT INTO {schema}.migration (version, name) VALUES ($1, $2)"),
            forget: render("DELETE FROM {schema}.migration WHERE version = $1"),
            remove: render(include_str!("migrations/remove.sql")),
        }
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
