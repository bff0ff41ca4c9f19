use delta_core::Result;
use delta_sql::sqlite::Sql;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::json::JsonRows;

/// A statement of `delta_sql`, ready for its parameters.
pub(super) fn statement(sql: &Sql) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(AssertSqlSafe(sql.clone()))
}

/// Runs a statement once for each text that its rows come in; `bind` adds the parameters after the first.
pub(super) async fn run(
    operation: &'static str,
    conn: &mut SqliteConnection,
    sql: &Sql,
    rows: JsonRows,
    bind: impl Fn(Query<'static, Sqlite, SqliteArguments>) -> Query<'static, Sqlite, SqliteArguments>,
) -> Result<()> {
    for text in rows.into_texts() {
        bind(statement(sql).bind(text)).execute(&mut *conn).await.map_err(|failed| error(operation, failed))?;
    }
    Ok(())
}
