use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::invalid::{Invalid, quoted};
use crate::name::Name;

/// The id of an object within its kind and namespace: 1 to 255 characters, any text but NUL, compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ObjectId(Arc<str>);

impl ObjectId {
    /// The longest allowed id, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// Checks an id.
    pub fn new(id: impl AsRef<str>) -> Result<Self, Invalid> {
        let id = id.as_ref();
        let length = id.chars().count();
        if length == 0 || length > Self::MAX_LENGTH {
            let found = format!("{length} characters: {}", quoted(id));
            return Err(Invalid::new("object id", "1 to 255 characters", found));
        }
        if id.contains('\0') {
            return Err(Invalid::new("object id", "text without NUL", quoted(id)));
        }
        Ok(Self(id.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What identifies a resource to its users: namespace, kind and object id, unique together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The isolation unit that it belongs to.
    pub namespace: Name,
    /// The kind of object.
    pub kind: Name,
    /// The object's own id.
    pub object_id: ObjectId,
}

impl Key {
    /// Checks and joins the three parts.
    pub fn new(namespace: impl AsRef<str>, kind: impl AsRef<str>, object_id: impl AsRef<str>) -> Result<Self, Invalid> {
        Ok(Self { namespace: Name::new(namespace)?, kind: Name::new(kind)?, object_id: ObjectId::new(object_id)? })
    }

    /// The lane that the resource is claimed from.
    #[must_use]
    pub fn lane(&self) -> Lane {
        Lane { namespace: self.namespace.clone(), kind: self.kind.clone() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.kind, self.object_id)
    }
}

/// One kind within one namespace: what claims go round, so that no backlog starves another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The namespace.
    pub namespace: Name,
    /// The kind of object.
    pub kind: Name,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_any_text_of_1_to_255_characters_but_nul() {
        for good in ["a", " ", "A/b\\c\n", "ä".repeat(255).as_str(), "👩‍🚀"] {
            assert_eq!(ObjectId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\0b", "x".repeat(256).as_str(), "ä".repeat(256).as_str()] {
            assert_eq!(ObjectId::new(bad).unwrap_err().field(), "object id");
        }
        let error = ObjectId::new("x".repeat(300)).unwrap_err();
        assert!(error.found().starts_with("300 characters: \"xxx") && error.found().len() < 150, "{error}");
    }

    #[test]
    fn ids_are_compared_byte_by_byte() {
        let id = |id| ObjectId::new(id).unwrap();
        assert_ne!(id("a"), id("A"));
        assert_ne!(id("a"), id("a "));
        // The same letter, composed and decomposed.
        assert_ne!(id("\u{e4}"), id("a\u{308}"));
        assert!(id("Z") < id("a") && id("z") < id("ä"));
    }

    #[test]
    fn a_key_checks_each_of_its_parts() {
        let field = |namespace, kind, id| Key::new(namespace, kind, id).unwrap_err().field();
        assert_eq!(field("EU", "customer", "1"), "name");
        assert_eq!(field("eu", "Customer", "1"), "name");
        assert_eq!(field("eu", "customer", ""), "object id");
    }

    #[test]
    fn a_key_survives_json_and_is_checked_there() {
        let key = Key::new("eu", "customer", "a/b").unwrap();
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, r#"{"namespace":"eu","kind":"customer","object_id":"a/b"}"#);
        assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        assert!(serde_json::from_str::<Key>(&json.replace("a/b", "")).is_err());
    }

    #[test]
    fn keys_and_lanes_are_shown_as_paths() {
        let key = Key::new("eu", "customer", "a/b").unwrap();
        assert_eq!((key.to_string(), key.lane().to_string()), ("eu/customer/a/b".to_owned(), "eu/customer".to_owned()));
    }
}
