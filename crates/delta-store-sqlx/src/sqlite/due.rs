use delta_core::{Due, DueQuery, Error, ErrorKind, Resource, Result, State};
use sqlx::SqliteConnection;

use super::names::choice;
use super::rows::resources;
use super::statement::statement;
use super::store::Inner;

pub(super) async fn due(inner: &Inner, conn: &mut SqliteConnection, query: &DueQuery) -> Result<Vec<Resource>> {
    let sql = &inner.sql;
    let (sql, from) = match &query.due {
        Due::Expiry { synced_by } => (&sql.due_expiry, synced_by.as_micros()),
        Due::Rescue { now } => (&sql.due_rescue, now.as_micros()),
        Due::Purge { state: State::Synced, since_by } => (&sql.due_purge_synced, since_by.as_micros()),
        Due::Purge { state: State::Deleted, since_by } => (&sql.due_purge_deleted, since_by.as_micros()),
        Due::Purge { state: State::Degraded, since_by } => (&sql.due_purge_degraded, since_by.as_micros()),
        Due::Purge { state, .. } => {
            let what = format!("expected a purge of synced, deleted or degraded resources, found {state}");
            return Err(Error::new(ErrorKind::Invalid, "due", what));
        }
        Due::Missing { after } => (&sql.due_missing, after.get()),
    };
    let (namespaces, kinds) = (choice(&query.namespaces), choice(&query.kinds));
    let statement = statement(sql).bind(from).bind(namespaces.0).bind(namespaces.1).bind(kinds.0).bind(kinds.1);
    resources("due", statement.bind(i64::from(query.limit)), conn).await
}
