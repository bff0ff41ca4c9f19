use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::invalid::{Invalid, quoted};

/// What a user keeps beside an object: a JSON object, stored and returned byte for byte. Empty by default.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Metadata(Option<Arc<str>>);

impl Metadata {
    /// No metadata: `{}`.
    pub const EMPTY: Self = Self(None);

    /// Takes any value that serialises to a JSON object.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, Invalid> {
        let text = serde_json::to_string(value)
            .map_err(|error| Invalid::new("metadata", "a value that serialises to JSON", error.to_string()))?;
        Self::from_text(&text)
    }

    /// Takes the JSON text of an object, and keeps it as it is.
    pub fn from_text(text: &str) -> Result<Self, Invalid> {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(map) if map.is_empty() => Ok(Self::EMPTY),
            Ok(_) => Ok(Self(Some(text.into()))),
            Err(error) => {
                Err(Invalid::new("metadata", "the text of a JSON object", format!("{} ({error})", quoted(text))))
            }
        }
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("{}")
    }

    /// The JSON text, or nothing where it is empty: what a store keeps in a column that may be null.
    #[must_use]
    pub fn as_stored(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Takes a text that a store has kept, without checking it again.
    #[must_use]
    pub fn from_stored(text: Option<String>) -> Self {
        Self(text.map(Into::into))
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match RawValue::from_string(self.as_str().to_owned()) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => serializer.serialize_str(self.as_str()),
        }
    }
}

/// Reads what was serialised, from JSON text only: the text is kept byte for byte.
impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_text(text.get()).map_err(serde::de::Error::custom)
    }
}

/// Keywords of a resource, without any effect on it: at most 64, each `\A\w[\w-]+\w\z` and at most 255 characters.
///
/// An inform that gives tags replaces all of them.
///
/// # Examples
///
/// ```
/// use delta_core::Tags;
///
/// assert!(Tags::new(["vip", "eu-west"]).is_ok());
/// assert!(Tags::new(["no spaces"]).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tags(Vec<String>);

impl Tags {
    /// How many tags a resource may have.
    pub const MAX_COUNT: usize = 64;
    /// The longest allowed tag, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// Checks tags. Repeated ones are kept once, in the order given.
    pub fn new<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> Result<Self, Invalid> {
        let mut checked: Vec<String> = Vec::new();
        for tag in tags.into_iter().map(Into::into) {
            if !is_tag(&tag) {
                let expected = "3 to 255 letters, digits, '_' or '-', with no '-' at either end";
                return Err(Invalid::new("tag", expected, quoted(&tag)));
            }
            if !checked.contains(&tag) {
                checked.push(tag);
            }
        }
        if checked.len() > Self::MAX_COUNT {
            return Err(Invalid::new("tags", "at most 64 tags", format!("{} tags", checked.len())));
        }
        Ok(Self(checked))
    }

    /// Takes tags that a store has kept, without checking them again.
    #[must_use]
    pub fn from_stored(tags: Vec<String>) -> Self {
        Self(tags)
    }

    /// The tags.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = tag.as_bytes();
    (3..=Tags::MAX_LENGTH).contains(&bytes.len())
        && bytes.iter().all(|&byte| word(byte) || byte == b'-')
        && word(bytes[0])
        && word(bytes[bytes.len() - 1])
}

/// A W3C `traceparent`, which joins an inform, the work and the events that it causes to one trace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trace(Arc<str>);

impl Trace {
    /// Checks the form of a `traceparent` of version 00: `00-<32 hex>-<16 hex>-<2 hex>`
    /// (W3C Trace Context, section 3.2.2).
    pub fn new(traceparent: impl AsRef<str>) -> Result<Self, Invalid> {
        let text = traceparent.as_ref();
        let hex = |part: &str, length| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let parts: Vec<&str> = text.split('-').collect();
        match parts[..] {
            ["00", trace, span, flags] if hex(trace, 32) && hex(span, 16) && hex(flags, 2) => Ok(Self(text.into())),
            _ => Err(Invalid::new("traceparent", "00-<32 hex>-<16 hex>-<2 hex>", quoted(text))),
        }
    }

    /// Takes a text that a store has kept, without checking it again.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// The `traceparent` as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_the_rule() {
        for good in ["abc", "a-b", "A_9", "___"] {
            assert!(Tags::new([good]).is_ok(), "{good}");
        }
        for bad in ["", "ab", "-ab", "ab-", "a b", "äöü", &"x".repeat(256)] {
            assert!(Tags::new([bad]).is_err(), "{bad}");
        }
        assert!(Tags::new((0..65).map(|n| format!("tag{n}"))).is_err());
        assert_eq!(Tags::new(["abc", "abc"]).unwrap().as_slice(), ["abc"]);
    }

    #[test]
    fn metadata_must_be_an_object() {
        assert_eq!(Metadata::from_text("{ }").unwrap(), Metadata::EMPTY);
        assert_eq!(Metadata::from_text(r#"{"b":1, "a":2}"#).unwrap().as_str(), r#"{"b":1, "a":2}"#);
        assert_eq!(Metadata::from_text("[1]").unwrap_err().field(), "metadata");
    }

    #[test]
    fn a_trace_has_the_form_of_a_traceparent() {
        assert!(Trace::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").is_ok());
        assert!(Trace::new("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").is_err());
        assert!(Trace::new("nonsense").is_err());
    }
}
