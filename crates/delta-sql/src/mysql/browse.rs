use delta_core::{Depth, Filter, Lane, ListQuery, Resource, Result, State, StateCount};

use super::driver::MysqlDriver;
use super::filter::{Chosen, names_list};
use super::names::{Known, Wanted};
use super::query::Query;
use super::rows::{Fields, corrupt};
use super::tables::Tables;

fn bind<'q>(query: Query<'q>, known: &Known, filter: &'q Filter) -> Query<'q> {
    let states = names_list(filter.states.iter().map(State::as_str));
    let states = (!filter.states.is_empty()).then_some(states);
    let tag = filter.tag.as_ref().map(|tag| serde_json::Value::from(tag.as_str()).to_string().into_bytes());
    let prefix = filter.object_id_prefix.as_ref().map(String::as_bytes);
    let paused = filter.paused.map(i64::from);
    let query = Chosen::of(known, &filter.namespaces, &filter.kinds).bind(query).bind(states.clone()).bind(states);
    let query = query.bind(tag.clone()).bind(tag).bind(prefix).bind(prefix).bind(prefix);
    query.bind(paused).bind(paused)
}

impl<D: MysqlDriver> Tables<D> {
    /// Lists resources.
    pub async fn list(&self, conn: &mut D::Conn, query: &ListQuery) -> Result<Vec<Resource>> {
        let filter = &query.filter;
        let known = self.find_names(conn, &Wanted::choices(&filter.kinds, &filter.namespaces)).await?;
        let text = match query.depth {
            Depth::Head => &self.sql().list_heads,
            Depth::Full => &self.sql().list_full,
        };
        let bound = bind(Query::new(text).bind(query.after.get()), &known, filter).bind(i64::from(query.limit));
        let rows = self.fetch(conn, bound, "list").await?;
        match query.depth {
            Depth::Head => self.heads(conn, &rows, "list").await,
            Depth::Full => self.whole(conn, &rows, "list").await,
        }
    }

    /// Counts resources.
    pub async fn count(&self, conn: &mut D::Conn, filter: &Filter) -> Result<Vec<StateCount>> {
        let known = self.find_names(conn, &Wanted::choices(&filter.kinds, &filter.namespaces)).await?;
        let bound = bind(Query::new(&self.sql().count), &known, filter);
        let rows = self.fetch(conn, bound, "count").await?;
        let known = self.known_of(conn, &rows, 0, "count").await?;
        let mut counts = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut fields = Fields::new(row, "count");
            let (namespace, kind): (i64, i64) = (fields.take()?, fields.take()?);
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
}
