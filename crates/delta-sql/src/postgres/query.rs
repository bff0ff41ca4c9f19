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
    ($($type:ty => |$values:ident| $value:expr;)+) => {$(
        impl<'q> From<Vec<$type>> for Value<'q> {
            fn from($values: Vec<$type>) -> Self {
                $value
            }
        }
    )+};
}

fn all<T, U: From<T>>(values: Vec<T>) -> Vec<Option<U>> {
    values.into_iter().map(|value| Some(value.into())).collect()
}

fn texts<'q, T: Into<Cow<'q, str>>>(values: Vec<Option<T>>) -> Vec<Option<Cow<'q, str>>> {
    values.into_iter().map(|text| text.map(Into::into)).collect()
}

arrays! {
    bool => |values| Self::Bools(values);
    i16 => |values| Self::Int2s(values);
    i32 => |values| Self::Int4s(Some(values));
    i64 => |values| Self::Int8s(all(values));
    Option<i64> => |values| Self::Int8s(values);
    &'q str => |values| Self::Texts(Some(all(values)));
    String => |values| Self::Texts(Some(all(values)));
    Option<&'q str> => |values| Self::Texts(Some(texts(values)));
    Option<String> => |values| Self::Texts(Some(texts(values)));
    Option<Cow<'q, str>> => |values| Self::Texts(Some(values));
    &'q [u8] => |values| Self::Bytes(all(values));
    Option<&'q [u8]> => |values| Self::Bytes(values);
    Timestamp => |values| Self::Times(all(values));
    Option<Timestamp> => |values| Self::Times(values);
}

impl From<Option<Vec<i32>>> for Value<'_> {
    fn from(values: Option<Vec<i32>>) -> Self {
        Self::Int4s(values)
    }
}

impl<'q> From<Option<Vec<&'q str>>> for Value<'q> {
    fn from(values: Option<Vec<&'q str>>) -> Self {
        Self::Texts(values.map(all))
    }
}
