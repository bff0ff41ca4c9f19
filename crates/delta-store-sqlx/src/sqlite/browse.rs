use delta_core::{Depth, Filter, ListQuery, Resource, Result, State, StateCount};
use delta_sql::sqlite::Sql;
use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::commit::lane;
use super::errors::error;
use super::json::texts;
use super::names::choice;
use super::rows::{Columns, resources};
use super::statement::statement;
use super::store::Inner;

fn filtered(sql: &Sql, after: i64, filter: &Filter) -> Query<'static, Sqlite, SqliteArguments> {
    let (namespaces, kinds) = (choice(&filter.namespaces), choice(&filter.kinds));
    let states = (!filter.states.is_empty()).then(|| texts(filter.states.iter().map(State::as_str)));
    let statement = statement(sql).bind(after).bind(namespaces.0).bind(namespaces.1).bind(kinds.0).bind(kinds.1);
    statement.bind(states).bind(filter.tag.clone()).bind(filter.object_id_prefix.clone()).bind(filter.paused)
}

pub(super) async fn list(inner: &Inner, conn: &mut SqliteConnection, query: &ListQuery) -> Result<Vec<Resource>> {
    let sql = match query.depth {
        Depth::Head => &inner.sql.list_head,
        Depth::Full => &inner.sql.list_full,
    };
    let statement = filtered(sql, query.after.get(), &query.filter).bind(i64::from(query.limit));
    resources("list", statement, conn).await
}

pub(super) async fn count(inner: &Inner, conn: &mut SqliteConnection, filter: &Filter) -> Result<Vec<StateCount>> {
    let rows = filtered(&inner.sql.count, 0, filter).fetch_all(conn).await;
    let count = |row| {
        let mut columns = Columns::new("count", row);
        Ok(StateCount {
            lane: lane(&mut columns)?,
            state: State::from(columns.next::<&str>()?),
            count: u64::try_from(columns.next::<i64>()?).unwrap_or(0),
            oldest_run_at: columns.time_or_null()?,
            oldest_lease: columns.time_or_null()?,
        })
    };
    let rows = rows.map_err(|failed| error("count", failed))?;
    let mut counts = rows.iter().map(count).collect::<Result<Vec<_>>>()?;
    counts.sort_by(|one, other| (&one.lane, &one.state).cmp(&(&other.lane, &other.state)));
    Ok(counts)
}
