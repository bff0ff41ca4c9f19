use std::fmt;

use crate::error::{Error, ErrorKind};

/// An input that breaks a rule: what it was, what was expected and what was found.
///
/// It is found before anything is written.
///
/// # Examples
///
/// ```
/// use delta_core::Name;
///
/// let error = Name::new("Customer").unwrap_err();
/// assert_eq!(error.field(), "name");
/// assert!(error.to_string().contains("found \"Customer\""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    field: &'static str,
    expected: String,
    found: String,
}

impl Invalid {
    /// Describes an invalid input.
    #[must_use]
    pub fn new(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { field, expected: expected.into(), found: found.into() }
    }

    /// Which input it was.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The rule that was broken.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was found instead; shortened where it was long.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }
}

/// Quotes a text for an error message, and shortens it to 80 characters.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{:?} and {} bytes more", &text[..end], text.len() - end),
        None => format!("{text:?}"),
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.field, self.expected, self.found)
    }
}

impl std::error::Error for Invalid {}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(ErrorKind::Invalid, "input", invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_input_says_what_was_expected_and_what_was_found() {
        let error = Invalid::new("priority", "1 (first) to 4 (last)", "7");
        assert_eq!(error.to_string(), "priority: expected 1 (first) to 4 (last), found 7");
        assert_eq!((error.field(), error.expected(), error.found()), ("priority", "1 (first) to 4 (last)", "7"));
    }

    #[test]
    fn as_an_error_it_is_the_callers_to_mend() {
        let error = Error::from(Invalid::new("priority", "1 (first) to 4 (last)", "7"));
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Invalid, false));
        assert!(error.to_string().contains("expected 1 (first) to 4 (last), found 7"), "{error}");
    }

    #[test]
    fn a_quoted_text_is_escaped_and_shortened() {
        assert_eq!(quoted("a\"\n"), r#""a\"\n""#);
        let full = "ä".repeat(80);
        assert_eq!(quoted(&full), format!("\"{full}\""));
        assert_eq!(quoted(&format!("{full}äa")), format!("\"{full}\" and 3 bytes more"));
    }
}
