use delta_core::Result;

use crate::TablePrefix;

/// What a store on MySQL or MariaDB needs to know of any pool.
#[derive(Clone, Debug, Default)]
pub struct MySqlSettings {
    prefix: TablePrefix,
}

impl MySqlSettings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the names of Delta's tables begin with: `delta` by default. Two stores with two prefixes share a database and
    /// nothing else.
    pub fn table_prefix(mut self, prefix: impl Into<String>) -> Result<Self> {
        self.prefix = TablePrefix::new(prefix)?;
        Ok(self)
    }

    /// What the names of the tables begin with.
    #[must_use]
    pub fn prefix(&self) -> &TablePrefix {
        &self.prefix
    }
}
