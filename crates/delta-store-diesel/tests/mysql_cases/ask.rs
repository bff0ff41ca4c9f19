//! Questions of the tests' own to the server.

use delta_store_diesel::diesel::{self, QueryableByName};
use delta_store_diesel::diesel_async::{AsyncMysqlConnection, RunQueryDsl};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

/// The text that a query with one column `value` finds.
pub(super) async fn text_of(conn: &mut AsyncMysqlConnection, query: &str) -> String {
    let found: Found = diesel::sql_query(query).get_result(conn).await.expect("a row");
    found.value
}
