use std::sync::Arc;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::postgres::{Query, Value};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::pg::data_types::PgTimestamp;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Untyped};

use super::moment;

/// A statement of `delta-sql` as a query of diesel's, which may stay prepared.
///
/// It has no static query id: diesel keeps statements with one by their type alone, and two schemas on one connection
/// would run each other's. Without one they are kept by their text.
#[derive(Debug)]
pub(super) struct Statement<'q> {
    text: Arc<str>,
    values: Vec<Bound<'q>>,
}

/// A value, where its own type cannot be bound.
#[derive(Debug)]
enum Bound<'q> {
    Value(Value<'q>),
    Time(Option<PgTimestamp>),
    Times(Vec<Option<PgTimestamp>>),
}

impl<'q> Statement<'q> {
    /// # Errors
    ///
    /// `Invalid` for a time that Postgres cannot hold.
    pub(super) fn new(query: Query<'q>, operation: &'static str) -> Result<Self> {
        let values = query.values.into_iter().map(bound).collect::<Result<_, _>>();
        let values = values.map_err(|error| Error::new(ErrorKind::Invalid, operation, error))?;
        Ok(Self { text: query.text, values })
    }
}

fn bound(value: Value<'_>) -> Result<Bound<'_>, String> {
    Ok(match value {
        Value::Time(time) => Bound::Time(time.map(moment::encode).transpose()?),
        Value::Times(times) => {
            let times = times.into_iter().map(|time| time.map(moment::encode).transpose());
            Bound::Times(times.collect::<Result<_, _>>()?)
        }
        value => Bound::Value(value),
    })
}

impl QueryId for Statement<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl diesel::query_builder::Query for Statement<'_> {
    type SqlType = Untyped;
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql(&self.text);
        self.values.iter().try_for_each(|value| bind(value, &mut pass))
    }
}

/// Binds a value to a parameter that the text names.
fn bind<'b>(value: &'b Bound<'_>, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    type All<T> = Array<Nullable<T>>;
    let value = match value {
        Bound::Value(value) => value,
        Bound::Time(time) => return pass.push_bind_param_value_only::<Nullable<Timestamptz>, _>(time),
        Bound::Times(times) => return pass.push_bind_param_value_only::<All<Timestamptz>, _>(times),
    };
    match value {
        Value::Bool(value) => pass.push_bind_param_value_only::<Nullable<Bool>, _>(value),
        Value::Int4(value) => pass.push_bind_param_value_only::<Nullable<Integer>, _>(value),
        Value::Int8(value) => pass.push_bind_param_value_only::<Nullable<BigInt>, _>(value),
        Value::Text(value) => pass.push_bind_param_value_only::<Nullable<Text>, _>(value),
        Value::Bools(values) => pass.push_bind_param_value_only::<Array<Bool>, _>(values),
        Value::Int2s(values) => pass.push_bind_param_value_only::<Array<SmallInt>, _>(values),
        Value::Int4s(values) => pass.push_bind_param_value_only::<Nullable<Array<Integer>>, _>(values),
        Value::Int8s(values) => pass.push_bind_param_value_only::<All<BigInt>, _>(values),
        Value::Texts(values) => pass.push_bind_param_value_only::<Nullable<All<Text>>, _>(values),
        Value::Bytes(values) => pass.push_bind_param_value_only::<All<Binary>, _>(values),
        // Are not left as they were.
        Value::Time(_) | Value::Times(_) => Err(diesel::result::Error::QueryBuilderError("a time out of place".into())),
    }
}
