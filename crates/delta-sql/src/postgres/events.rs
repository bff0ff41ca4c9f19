use delta_core::{Event, EventFilter, EventPage, EventQuery, LogName, ResourceId, Result};

use super::driver::PostgresDriver;
use super::filter::Chosen;
use super::names::{Known, Wanted};
use super::query::Query;
use super::rows::{EVENT, EventShape, Fields, event, field};
use super::tables::Tables;
use super::trim::{check_age, mark};

const OPERATION: &str = "events";

impl<D: PostgresDriver> Tables<D> {
    /// Reads the log, as far as its horizon goes.
    pub async fn events(&self, conn: &mut D::Conn, query: &EventQuery) -> Result<EventPage> {
        let wanted = Wanted::choices(&query.filter.kinds, &query.filter.namespaces);
        let known = self.find_names(conn, &wanted).await?;
        let horizon = self.own_horizon(conn, OPERATION).await?;
        let head = horizon.head;
        let mut page = EventPage { next: query.after, head, held_back: horizon.held_back(), ..EventPage::default() };
        // What was trimmed lies below the head: nothing is missing here.
        if query.after >= head {
            return Ok(page);
        }
        let rows = match self.chosen(query, &known, head.get()) {
            Some(bound) if query.limit > 0 => self.read(conn, bound, OPERATION).await?,
            _ => Vec::new(),
        };
        let log = LogName::own();
        let mark = match rows.first() {
            Some(row) => mark(field(row, EVENT, OPERATION)?, &log, OPERATION)?,
            None => self.read_mark(conn, &self.sql().mark, &log, OPERATION).await?,
        };
        check_age(query.after, mark, &log, OPERATION)?;
        let known = self.known_of(conn, &rows, 3, OPERATION).await?;
        let events = rows.iter().map(|row| event(&mut Fields::new(row, OPERATION), &known, EventShape::Plain));
        page.events = events.collect::<Result<Vec<Event>>>()?;
        page.next = match page.events.last() {
            Some(last) if rows.len() >= usize::try_from(query.limit).unwrap_or(usize::MAX) => last.position,
            _ if query.limit == 0 => query.after,
            _ => head,
        };
        if !query.filter.metadata.is_empty() {
            page.events.retain(|event| query.filter.matches(event));
        }
        Ok(page)
    }

    /// The statement that reads a page; `None` if nothing can fit.
    fn chosen<'q>(&self, query: &'q EventQuery, known: &Known, up_to: i64) -> Option<Query<'q>> {
        let filter = &query.filter;
        // No object id has a NUL, and the server takes none.
        if filter.object_id_prefix.as_ref().is_some_and(|prefix| prefix.contains('\0')) {
            return None;
        }
        let kinds: Option<Vec<&str>> = filter.event_kinds.as_ref().map(|kinds| kinds.iter().copied().collect());
        let (members, values) = members(filter);
        let bound = Query::new(&self.sql().events).bind(query.after.get()).bind(up_to).bind(i64::from(query.limit));
        let bound = Chosen::of(known, &filter.namespaces, &filter.kinds).bind(bound.bind(kinds));
        let bound = bound.bind(filter.resource.map(ResourceId::get)).bind(filter.object_id_prefix.as_deref());
        Some(bound.bind(members).bind(values))
    }
}

/// What the server can be asked of metadata: the rest is chosen here.
fn members(filter: &EventFilter) -> (Option<Vec<&str>>, Option<Vec<&str>>) {
    if filter.metadata.is_empty() {
        return (None, None);
    }
    let askable = filter.metadata.iter().filter(|(member, value)| !member.contains('\0') && !value.contains('\0'));
    let (members, values) = askable.map(|(member, value)| (member.as_str(), value.as_str())).unzip();
    (Some(members), Some(values))
}
