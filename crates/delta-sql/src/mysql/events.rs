use delta_core::{EventPage, EventQuery, Position, ResourceId, Result};

use super::driver::MysqlDriver;
use super::filter::{Chosen, names_list};
use super::names::Wanted;
use super::query::Query;
use super::rows::event;
use super::tables::Tables;

impl<D: MysqlDriver> Tables<D> {
    /// Reads a page of the log.
    pub async fn events(&self, conn: &mut D::Conn, query: &EventQuery) -> Result<EventPage> {
        let wanted = Wanted::choices(&query.filter.kinds, &query.filter.namespaces);
        let known = self.find_names(conn, &wanted).await?;
        let horizon = self.horizon(conn).await?;
        let after = query.after.get();
        let head = Position::new(horizon.readable);
        let mut page = EventPage {
            events: Vec::new(),
            next: query.after.max(head),
            head,
            held_back: u64::try_from(horizon.end - horizon.readable).unwrap_or(0),
            gap: None,
        };
        if after >= horizon.readable || query.limit == 0 {
            return Ok(EventPage { next: query.after, ..page });
        }
        let kinds = query.filter.event_kinds.as_ref().map(|kinds| names_list(kinds.iter().copied()));
        let resource = query.filter.resource.map(ResourceId::get);
        let chosen = Chosen::of(&known, &query.filter.namespaces, &query.filter.kinds);
        let bound = Query::new(&self.sql().log_page).bind(after).bind(horizon.readable).bind(kinds.clone()).bind(kinds);
        let bound = chosen.bind(bound).bind(resource).bind(resource).bind(i64::from(query.limit));
        let rows = self.fetch(conn, bound, "events").await?;
        let known = self.known_of(conn, &rows, 4, "events").await?;
        page.events = rows.iter().map(|row| event(row, &known)).collect::<Result<_>>()?;
        if page.events.len() >= usize::try_from(query.limit).unwrap_or(usize::MAX) {
            page.next = page.events.last().map_or(query.after, |last| last.position);
        }
        Ok(page)
    }
}
