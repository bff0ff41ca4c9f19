use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::invalid::Invalid;

/// SHA-256 over the canonical JSON text of an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectHash([u8; 32]);

impl ObjectHash {
    /// The hash of a canonical text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Takes a stored hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ObjectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectHash({self})")
    }
}

impl Serialize for ObjectHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        let bytes = bytes.filter(|_| text.len() == 64).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

/// An object as it is stored: compact JSON with sorted keys, and the hash of exactly that text.
///
/// Integers are exact over 64 bits, signed and unsigned. The order of fields does not matter, so a reordered struct is
/// the same object.
///
/// # Examples
///
/// ```
/// use delta_core::CanonicalObject;
///
/// let one = CanonicalObject::new(&serde_json::json!({"b": 1, "a": u64::MAX})).unwrap();
/// assert_eq!(&**one.text(), r#"{"a":18446744073709551615,"b":1}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalObject {
    text: Arc<str>,
    hash: ObjectHash,
}

impl CanonicalObject {
    /// Serialises an object into its canonical form.
    pub fn new<T: Serialize + ?Sized>(object: &T) -> Result<Self, Invalid> {
        let value = serde_json::to_value(object)
            .map_err(|error| Invalid::new("object", "a value that serialises to JSON", error.to_string()))?;
        let mut text = String::new();
        write_sorted(&value, &mut text);
        Ok(Self { hash: ObjectHash::of(&text), text: text.into() })
    }

    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The hash of the text.
    #[must_use]
    pub fn hash(&self) -> ObjectHash {
        self.hash
    }
}

// Sorted by hand: `serde_json::Map` keeps insertion order as soon as any crate of the build asks for that feature.
fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_sorted(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, value) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_sorted(value, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_order_does_not_change_the_hash() {
        #[derive(Serialize)]
        struct Forward {
            a: i64,
            b: Inner,
        }
        #[derive(Serialize)]
        struct Backward {
            b: Inner,
            a: i64,
        }
        #[derive(Serialize)]
        struct Inner {
            z: u64,
            y: Vec<i8>,
        }
        let inner = || Inner { z: u64::MAX, y: vec![-1, 2] };
        let forward = CanonicalObject::new(&Forward { a: i64::MIN, b: inner() }).unwrap();
        let backward = CanonicalObject::new(&Backward { b: inner(), a: i64::MIN }).unwrap();
        assert_eq!(forward, backward);
        assert_eq!(&**forward.text(), r#"{"a":-9223372036854775808,"b":{"y":[-1,2],"z":18446744073709551615}}"#);
    }

    #[test]
    fn a_nul_in_a_text_is_kept_as_an_escape() {
        assert_eq!(&**CanonicalObject::new("a\0b").unwrap().text(), r#""a\u0000b""#);
    }

    #[test]
    fn integers_next_to_each_other_beyond_53_bits_differ() {
        let hash = |n: u64| CanonicalObject::new(&n).unwrap().hash();
        assert_ne!(hash(9_007_199_254_740_992), hash(9_007_199_254_740_993));
    }

    #[test]
    fn a_map_whose_keys_are_no_text_is_refused() {
        let map = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert_eq!(CanonicalObject::new(&map).unwrap_err().field(), "object");
    }
}
