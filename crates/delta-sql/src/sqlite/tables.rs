use std::sync::Arc;

use crate::identifier::TablePrefix;
use crate::migration::Migration;
use crate::sqlite::migrate;

/// Fills the names of tables into texts.
#[derive(Clone, Debug)]
pub struct Tables {
    prefix: TablePrefix,
}

const NAMES: [&str; 9] =
    ["resource", "detail", "error", "kind", "namespace", "event", "cursor", "dead_letter", "migration"];

impl Tables {
    /// The tables whose names begin with a prefix.
    #[must_use]
    pub fn new(prefix: TablePrefix) -> Self {
        Self { prefix }
    }

    /// What the names of the tables begin with.
    #[must_use]
    pub fn prefix(&self) -> &TablePrefix {
        &self.prefix
    }

    /// All versions of the schema, from the first.
    #[must_use]
    pub fn migrations(&self) -> Vec<Migration> {
        migrate::all(self)
    }

    /// Fills in `{resource}` and its like, and `{prefix}` for the names of indexes.
    pub(crate) fn render(&self, template: &str) -> Arc<str> {
        let mut text = template.replace("{prefix}", self.prefix.as_str());
        for name in NAMES {
            text = text.replace(&format!("{{{name}}}"), &self.prefix.table(name));
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_filled_in() {
        let tables = Tables::new(TablePrefix::new("app").unwrap());
        assert_eq!(&*tables.render("{resource} {error} {prefix}_x"), r#""app_resource" "app_error" app_x"#);
    }
}
