use delta_core::Result;

use crate::SchemaName;

/// What a store on Postgres needs to know of any pool.
///
/// # Examples
///
/// ```
/// use delta_sql::postgres::{Listen, PgSettings};
///
/// # fn main() -> delta_core::Result<()> {
/// let settings = PgSettings::new().schema("sync")?.listen(Listen::Off);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PgSettings {
    schema: SchemaName,
    statement_cache: StatementCache,
    listen: Listen,
}

/// Whether statements stay prepared on their connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementCache {
    /// They do.
    #[default]
    On,
    /// They are prepared each time, in a transaction with their use: for a connection pooler that gives each transaction
    /// another connection and does not carry prepared statements over.
    Off,
}

/// Whether a store listens for wake-ups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listen {
    /// It does, on a connection of its own beside the pool. That must reach the server itself, or a pooler that keeps
    /// sessions.
    #[default]
    On,
    /// It does not, and its clients poll.
    Off,
}

impl PgSettings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The schema of Delta's tables: `delta` by default. Two stores with two schemas share a database and nothing else.
    pub fn schema(mut self, schema: impl Into<String>) -> Result<Self> {
        self.schema = SchemaName::new(schema)?;
        Ok(self)
    }

    /// Whether statements stay prepared: on by default. With a pool of your own, set its
    /// `statement_cache_capacity` to 0 as well where it is off.
    #[must_use]
    pub fn statement_cache(mut self, statement_cache: StatementCache) -> Self {
        self.statement_cache = statement_cache;
        self
    }

    /// Whether to listen for wake-ups: on by default.
    #[must_use]
    pub fn listen(mut self, listen: Listen) -> Self {
        self.listen = listen;
        self
    }

    /// The schema that was chosen.
    #[must_use]
    pub fn schema_name(&self) -> &SchemaName {
        &self.schema
    }

    /// Whether statements stay prepared.
    #[must_use]
    pub fn keeps_statements(&self) -> bool {
        self.statement_cache == StatementCache::On
    }

    /// Whether to listen for wake-ups.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.listen == Listen::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_stated() {
        let settings = PgSettings::new();
        assert_eq!(settings.schema_name().as_str(), "delta");
        assert!(settings.keeps_statements() && settings.listens());
    }
}
