use std::sync::Arc;
use std::time::Duration;

use delta_core::{Depth, Filter, Lane, ListQuery, LogHolder, Resource, Result, State, StateCount};

use super::driver::PostgresDriver;
use super::filter::Chosen;
use super::names::Wanted;
use super::query::Query;
use super::rows::{Fields, corrupt};
use super::tables::Tables;

async fn filtered<'q, D: PostgresDriver>(
    store: &Tables<D>,
    conn: &mut D::Conn,
    filter: &'q Filter,
    query: Query<'q>,
) -> Result<Query<'q>> {
    let known = store.find_names(conn, &Wanted::choices(&filter.kinds, &filter.namespaces)).await?;
    let states: Vec<&str> = filter.states.iter().map(State::as_str).collect();
    let query = Chosen::of(&known, &filter.namespaces, &filter.kinds).bind(query);
    let query = query.bind(Some(states).filter(|states| !states.is_empty()));
    Ok(query.bind(filter.tag.as_deref()).bind(filter.object_id_prefix.as_deref()).bind(filter.paused))
}

impl<D: PostgresDriver> Tables<D> {
    /// Lists resources.
    pub async fn list(&self, conn: &mut D::Conn, query: &ListQuery) -> Result<Vec<Resource>> {
        let text = match query.depth {
            Depth::Head => &self.sql().list.head,
            Depth::Full => &self.sql().list.full,
        };
        let bound = filtered(self, conn, &query.filter, Query::new(text)).await?;
        let rows = self.read(conn, bound.bind(query.after.get()).bind(i64::from(query.limit)), "list").await?;
        self.resources(conn, &rows, query.depth, "list").await
    }

    /// Counts resources.
    pub async fn count(&self, conn: &mut D::Conn, filter: &Filter) -> Result<Vec<StateCount>> {
        let bound = filtered(self, conn, filter, Query::new(&self.sql().count)).await?;
        let rows = self.read(conn, bound, "count").await?;
        // Namespace and kind stand where a resource has them after its id.
        let (mut namespaces, mut kinds) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for row in &rows {
            let mut fields = Fields::new(row, "count");
            namespaces.insert(fields.take()?);
            kinds.insert(fields.take()?);
        }
        let known = self.name_ids(conn, &kinds, &namespaces).await?;
        let mut counts = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut fields = Fields::new(row, "count");
            let (namespace, kind): (i32, i32) = (fields.take()?, fields.take()?);
            let (Some(namespace), Some(kind)) = (known.namespaces.name(namespace), known.kinds.name(kind)) else {
                return Err(corrupt("count", "expected kinds and namespaces with names, found some without"));
            };
            counts.push(StateCount {
                lane: Lane { namespace: namespace.clone(), kind: kind.clone() },
                state: State::from(fields.take::<&str>()?),
                count: u64::try_from(fields.take::<i64>()?).unwrap_or(0),
                oldest_run_at: fields.maybe_time()?,
                oldest_lease: fields.maybe_time()?,
            });
        }
        counts.sort_by(|one, other| (&one.lane, &one.state).cmp(&(&other.lane, &other.state)));
        Ok(counts)
    }

    /// Tells who holds readers of the log back.
    pub async fn log_holders(&self, conn: &mut D::Conn) -> Result<Vec<LogHolder>> {
        self.holders(conn, &self.sql().log.holders, "log holders").await
    }

    pub(super) async fn holders(
        &self,
        conn: &mut D::Conn,
        text: &Arc<str>,
        operation: &'static str,
    ) -> Result<Vec<LogHolder>> {
        let rows = self.read(conn, Query::new(text), operation).await?;
        let holder = |row| {
            let mut fields = Fields::new(row, operation);
            Ok(LogHolder {
                session: fields.take()?,
                age: Duration::from_micros(u64::try_from(fields.take::<i64>()?).unwrap_or(0)),
                statement: fields.take()?,
                activity: fields.take()?,
            })
        };
        rows.iter().map(holder).collect()
    }
}
