use delta_core::{Depth, Due, DueQuery, Resource, Result, State};
use sqlx::PgConnection;

use super::filter::Chosen;
use super::moment::Moment;
use super::names::Wanted;
use super::store::PgStore;

impl PgStore {
    pub(super) async fn due_resources(&self, conn: &mut PgConnection, query: &DueQuery) -> Result<Vec<Resource>> {
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
        let bound = chosen.bind(self.query(text)).bind(i64::from(query.limit));
        let bound = match &query.due {
            Due::Expiry { synced_by: at } | Due::Rescue { now: at } => bound.bind(Moment(*at)),
            Due::Purge { state, since_by } => bound.bind(Moment(*since_by)).bind(state.as_str()),
            Due::Missing { after } => bound.bind(after.get()),
        };
        let rows = self.read(conn, bound, "due").await?;
        self.resources(conn, &rows, Depth::Head, "due").await
    }
}
