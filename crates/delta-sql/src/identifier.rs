use std::fmt;

use delta_core::Invalid;

const MAX_LENGTH: usize = 40;

fn check(field: &'static str, name: &str) -> Result<(), Invalid> {
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let continues = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if starts && continues && name.len() <= MAX_LENGTH {
        Ok(())
    } else {
        let found: String = name.chars().take(80).collect();
        Err(Invalid::new(field, "at most 40 of a-z, 0-9 and '_', not beginning with a digit", format!("{found:?}")))
    }
}

/// What the names of Delta's tables begin with, where a database has no schemas: `delta` by default.
///
/// `^[a-z_][a-z0-9_]*$`, at most 40 characters. The tables are named `<prefix>_resource` and so on.
///
/// # Examples
///
/// ```
/// use delta_sql::TablePrefix;
///
/// assert_eq!(TablePrefix::default().table("resource"), r#""delta_resource""#);
/// assert!(TablePrefix::new("drop table").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TablePrefix(String);

impl TablePrefix {
    /// Checks a prefix.
    pub fn new(prefix: impl Into<String>) -> Result<Self, Invalid> {
        let prefix = prefix.into();
        check("table prefix", &prefix)?;
        Ok(Self(prefix))
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The quoted name of a table.
    #[must_use]
    pub fn table(&self, name: &str) -> String {
        format!("\"{}_{name}\"", self.0)
    }
}

impl Default for TablePrefix {
    fn default() -> Self {
        Self("delta".to_owned())
    }
}

impl fmt::Display for TablePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The schema that Delta's tables live in, where a database has schemas: `delta` by default.
///
/// `^[a-z_][a-z0-9_]*$`, at most 40 characters.
///
/// # Examples
///
/// ```
/// use delta_sql::SchemaName;
///
/// assert_eq!(SchemaName::default().quoted(), r#""delta""#);
/// assert!(SchemaName::new("Delta").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemaName(String);

impl SchemaName {
    /// Checks a name.
    pub fn new(name: impl Into<String>) -> Result<Self, Invalid> {
        let name = name.into();
        check("schema", &name)?;
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a quoted identifier.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Default for SchemaName {
    fn default() -> Self {
        Self("delta".to_owned())
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_follow_the_rule() {
        for good in ["delta", "_", "d2", "a_b_1", &"x".repeat(40)] {
            assert!(TablePrefix::new(good).is_ok(), "{good}");
            assert!(SchemaName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "2d", "Delta", "a-b", "a b", "a\"b", "ä", "a;", &"x".repeat(41)] {
            assert_eq!(TablePrefix::new(bad).unwrap_err().field(), "table prefix", "{bad}");
            assert_eq!(SchemaName::new(bad).unwrap_err().field(), "schema", "{bad}");
        }
    }
}
