use delta_core::{Due, DueQuery, Resource, Result, State};

use super::driver::MysqlDriver;
use super::filter::Chosen;
use super::names::Wanted;
use super::query::Query;
use super::tables::Tables;

impl<D: MysqlDriver> Tables<D> {
    /// Finds resources that are due for maintenance.
    pub async fn due(&self, conn: &mut D::Conn, query: &DueQuery) -> Result<Vec<Resource>> {
        let known = self.find_names(conn, &Wanted::choices(&query.kinds, &query.namespaces)).await?;
        let sql = self.sql();
        let bound = match &query.due {
            Due::Expiry { synced_by } => Query::new(&sql.due_expiry).bind(*synced_by),
            Due::Rescue { now } => Query::new(&sql.due_rescue).bind(*now),
            Due::Purge { state, since_by } => {
                let indexed = matches!(state, State::Deleted | State::Degraded);
                let text = if indexed { &sql.due_ended } else { &sql.due_state };
                Query::new(text).bind(*since_by).bind(state.as_str())
            }
            Due::Missing { after } => Query::new(&sql.due_missing).bind(after.get()),
        };
        let bound = Chosen::of(&known, &query.namespaces, &query.kinds).bind(bound);
        let rows = self.fetch(conn, bound.bind(i64::from(query.limit)), "due").await?;
        self.heads(conn, &rows, "due").await
    }
}
