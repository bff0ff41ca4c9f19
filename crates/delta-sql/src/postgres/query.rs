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
    pub fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// A value of a parameter; it has a type also where it is NULL.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is named after its type")]
pub enum Value<'q> {
    Bool(Option<bool>),
    Int4(Option<i32>),
    Int8(Option<i64>),
    Text(Option<Cow<'q, str>>),
    Time(Option<Timestamp>),
    Bools(Vec<bool>),
    Int2s(Vec<i16>),
    Int4s(Option<Vec<i32>>),
    Int8s(Vec<Option<i64>>),
    Texts(Option<Vec<Option<Cow<'q, str>>>>),
    Bytes(Vec<Option<&'q [u8]>>),
    Times(Vec<Option<Timestamp>>),
}

macro_rules! scalars {
    ($($type:ty => $variant:ident;)+) => {$(
        impl<'q> From<$type> for Value<'q> {
            fn from(value: $type) -> Self {
                Self::$variant(Some(value.into()))
            }
        }

        impl<'q> From<Option<$type>> for Value<'q> {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map(Into::into))
            }
        }
    )+};
}

scalars! {
    bool => Bool;
    i32 => Int4;
    i64 => Int8;
    &'q str => Text;
    &'q String => Text;
    Timestamp => Time;
}

macro_rules! arrays {
    ($($type:ty => $variant:ident, $convert:expr;)+) => {$(
        impl<'q> From<Vec<$type>> for Value<'q> {
            fn from(values: Vec<$type>) -> Self {
                #[expect(clippy::redundant_closure_call, reason = "a macro's argument")]
                Self::$variant(($convert)(values))
            }
        }
    )+};
}

fn texts<'q, T: Into<Cow<'q, str>>>(values: Vec<T>) -> Option<Vec<Option<Cow<'q, str>>>> {
    Some(values.into_iter().map(|text| Some(text.into())).collect())
}

fn maybe_texts<'q, T: Into<Cow<'q, str>>>(values: Vec<Option<T>>) -> Option<Vec<Option<Cow<'q, str>>>> {
    Some(values.into_iter().map(|text| text.map(Into::into)).collect())
}

fn all<T>(values: Vec<T>) -> Vec<Option<T>> {
    values.into_iter().map(Some).collect()
}

arrays! {
    bool => Bools, std::convert::identity;
    i16 => Int2s, std::convert::identity;
    i32 => Int4s, Some;
    i64 => Int8s, all;
    Option<i64> => Int8s, std::convert::identity;
    &'q str => Texts, texts;
    String => Texts, texts;
    Option<&'q str> => Texts, maybe_texts;
    Option<String> => Texts, maybe_texts;
    Option<Cow<'q, str>> => Texts, maybe_texts;
    &'q [u8] => Bytes, all;
    Option<&'q [u8]> => Bytes, std::convert::identity;
    Timestamp => Times, all;
    Option<Timestamp> => Times, std::convert::identity;
}

impl From<Option<Vec<i32>>> for Value<'_> {
    fn from(values: Option<Vec<i32>>) -> Self {
        Self::Int4s(values)
    }
}

impl<'q> From<Option<Vec<&'q str>>> for Value<'q> {
    fn from(values: Option<Vec<&'q str>>) -> Self {
        Self::Texts(values.and_then(texts))
    }
}
