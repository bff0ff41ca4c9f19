use delta_sql::mysql::{Query, Value};
use diesel::QueryResult;
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Untyped};

/// A statement of `delta-sql` as a query of diesel's, which may stay prepared.
///
/// It has no static query id: diesel keeps statements with one by their type alone, and two prefixes on one connection
/// would run each other's. Without one they are kept by their text.
#[derive(Debug)]
pub(super) struct Statement<'q>(pub(super) Query<'q>);

impl QueryId for Statement<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl diesel::query_builder::Query for Statement<'_> {
    type SqlType = Untyped;
}

impl QueryFragment<Mysql> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        pass.push_sql(&self.0.text);
        self.0.values.iter().try_for_each(|value| match value {
            Value::Int(value) => pass.push_bind_param_value_only::<Nullable<BigInt>, _>(value),
            Value::Text(value) => pass.push_bind_param_value_only::<Nullable<Text>, _>(value),
            Value::Bytes(value) => pass.push_bind_param_value_only::<Nullable<Binary>, _>(value),
        })
    }
}
