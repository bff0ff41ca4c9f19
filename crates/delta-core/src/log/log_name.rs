use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a log: `delta` for Delta's own, the name of its table for an application's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogName(Arc<str>);

impl LogName {
    /// Delta's own log.
    #[must_use]
    pub fn own() -> Self {
        Self("delta".into())
    }

    /// The log of a table, whose name was checked.
    #[must_use]
    pub fn of_table(table: &str) -> Self {
        Self(table.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is Delta's own.
    #[must_use]
    pub fn is_own(&self) -> bool {
        &*self.0 == "delta"
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
