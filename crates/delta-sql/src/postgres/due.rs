use delta_core::{Depth, Due, DueQuery, Resource, Result, State};

use super::driver::PostgresDriver;
use super::filter::Chosen;
use super::names::Wanted;
use super::query::Query;
use super::tables::Tables;

impl<D: PostgresDriver> Tables<D> {
    /// Finds resources that are due for maintenance.
    pub async fn due(&self, conn: &mut D::Conn, query: &DueQuery) -> Result<Vec<Resource>> {
        let known = self.find_names(conn, &Wanted::choices(&query.kinds, &query.namespaces)).await?;
        let sql = self.sql();
        let text = match &query.due {
            Due::Expiry { .. } => &sql.due_expiry,
            Due::Rescue { .. } => &sql.due_rescue,
            Due::Purge { state: State::Deleted | State::Degraded, .. } => &sql.due_ended,
            Due::Purge { .. } => &sql.due_state,
            Due::Missing { .. } => &sql.due_missing,
        };
        let chosen = Chosen::of(&known, &query.namespaces, &query.kinds);
        let bound = chosen.bind(Query::new(text)).bind(i64::from(query.limit));
        let bound = match &query.due {
            Due::Expiry { synced_by: at } | Due::Rescue { now: at } => bound.bind(*at),
            Due::Purge { state, since_by } => bound.bind(*since_by).bind(state.as_str()),
            Due::Missing { after } => bound.bind(after.get()),
        };
        let rows = self.read(conn, bound, "due").await?;
        self.resources(conn, &rows, Depth::Head, "due").await
    }
}
