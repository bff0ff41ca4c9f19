use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::invalid::{Invalid, quoted};

/// The name of a kind or of a namespace.
///
/// Words of `a-z` and `0-9`, joined by single `_` or `-`, at most 64 characters: `^[a-z0-9]+([_-]?[a-z0-9]+)*$`.
///
/// # Examples
///
/// ```
/// use delta_core::Name;
///
/// assert_eq!(Name::new("eu-west_1").unwrap().as_str(), "eu-west_1");
/// assert!(Name::new("double--dash").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(Arc<str>);

impl Name {
    /// The longest allowed name, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// Checks a name.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Invalid> {
        let name = name.as_ref();
        let words = name.split(['_', '-']).all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if words && name.len() <= Self::MAX_LENGTH {
            Ok(Self(name.into()))
        } else {
            Err(Invalid::new(
                "name",
                "at most 64 characters, words of a-z and 0-9 joined by single '_' or '-'",
                quoted(name),
            ))
        }
    }

    /// The namespace of whoever names none: `default`.
    #[must_use]
    pub fn default_namespace() -> Self {
        Self("default".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        Self::new(name)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for good in ["a", "0", "eu-west_1", "a-b-c", "9lives", &"x".repeat(64)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        let bad = ["", "-", "a-", "-a", "_a", "a_", "a--b", "a_-b", "A", "ä", "a b", "a.b", "a\n", "a\0", "a/b"];
        for bad in bad.into_iter().chain([&*"x".repeat(65)]) {
            let error = Name::new(bad).unwrap_err();
            assert_eq!((error.field(), error.found()), ("name", &*quoted(bad)));
        }
    }

    #[test]
    fn a_name_is_checked_wherever_it_is_read() {
        assert_eq!("eu-west".parse::<Name>().unwrap(), Name::new("eu-west").unwrap());
        assert_eq!(serde_json::from_str::<Name>("\"eu-west\"").unwrap(), Name::new("eu-west").unwrap());
        assert!("EU".parse::<Name>().is_err());
        let error = serde_json::from_str::<Name>("\"EU\"").unwrap_err();
        assert!(error.to_string().contains("found \"EU\""), "{error}");
    }

    #[test]
    fn the_namespace_of_whoever_names_none_is_a_name() {
        assert_eq!(Name::default_namespace(), Name::new("default").unwrap());
    }

    #[test]
    fn a_map_of_names_is_asked_by_text() {
        let names = std::collections::BTreeSet::from([Name::new("b").unwrap(), Name::new("a").unwrap()]);
        assert!(names.contains("a") && !names.contains("c"));
    }
}
