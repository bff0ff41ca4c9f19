use std::borrow::Cow;
use std::sync::Arc;

use delta_core::Timestamp;

/// A statement and what is bound to its parameters, in their order.
#[derive(Clone, Debug)]
pub struct Query<'q> {
    /// The statement's text: one of few, each of which a connection may keep prepared.
    pub text: Arc<str>,
    /// The values.
    pub values: Vec<Value<'q>>,
}

impl<'q> Query<'q> {
    /// A statement to which nothing is bound yet.
    #[must_use]
    pub fn new(text: &Arc<str>) -> Self {
        Self { text: text.clone(), values: Vec::new() }
    }

    /// Binds the next parameter.
    #[must_use]
    pub fn bind(self, value: impl Into<Value<'q>>) -> Self {
        self.bind_value(value.into())
    }

    /// Binds the next parameter, of whatever type it is.
    #[must_use]
    pub(super) fn bind_value(mut self, value: Value<'q>) -> Self {
        self.values.push(value);
        self
    }
}

/// A value of a parameter; it has a type also where it is NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'q> {
    /// A signed 64-bit integer.
    Int(Option<i64>),
    /// Text, in utf8mb4.
    Text(Option<Cow<'q, str>>),
    /// Bytes, which are compared as such.
    Bytes(Option<Cow<'q, [u8]>>),
}

impl Value<'_> {
    /// How many bytes it takes on its way to the server, about.
    #[must_use]
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Int(_) => 8,
            Self::Text(text) => text.as_ref().map_or(0, |text| text.len()) + 9,
            Self::Bytes(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len()) + 9,
        }
    }
}

macro_rules! values {
    ($($type:ty => $variant:ident, $convert:expr;)+) => {$(
        impl<'q> From<$type> for Value<'q> {
            fn from(value: $type) -> Self {
                Self::from(Some(value))
            }
        }

        impl<'q> From<Option<$type>> for Value<'q> {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map($convert))
            }
        }
    )+};
}

values! {
    bool => Int, i64::from;
    i64 => Int, std::convert::identity;
    Timestamp => Int, Timestamp::as_micros;
    &'q str => Text, Cow::Borrowed;
    String => Text, Cow::Owned;
    &'q [u8] => Bytes, Cow::Borrowed;
    Vec<u8> => Bytes, Cow::Owned;
}
