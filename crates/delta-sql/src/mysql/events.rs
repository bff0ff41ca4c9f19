use delta_core::{EventPage, EventQuery, LogName, Position, ResourceId, Result};

use super::driver::MysqlDriver;
use super::filter::{Chosen, names_list};
use super::names::{Known, Wanted};
use super::query::Query;
use super::rows::{event, field};
use super::tables::Tables;
use super::text::columns::EVENT;
use super::text::statements::Statements;
use super::trim::{check_age, trimmed};

/// How many events at least are read at once to look for those with some metadata.
const LOOKED_THROUGH: u32 = 1_000;

impl<D: MysqlDriver> Tables<D> {
    /// Reads a page of the log.
    pub async fn events(&self, conn: &mut D::Conn, query: &EventQuery) -> Result<EventPage> {
        let wanted = Wanted::choices(&query.filter.kinds, &query.filter.namespaces);
        let known = self.find_names(conn, &wanted).await?;
        let horizon = self.horizon(conn).await?;
        check_age(&LogName::own(), query.after, horizon.trimmed, "events")?;
        let head = Position::new(horizon.readable);
        let mut page = EventPage {
            events: Vec::new(),
            next: query.after.max(head),
            head,
            held_back: u64::try_from(horizon.end - horizon.readable).unwrap_or(0),
            gap: None,
        };
        if query.after >= head || query.limit == 0 {
            return Ok(EventPage { next: query.after, ..page });
        }
        // Members of the metadata are looked at here: the servers do not agree on what JSON makes of every character.
        let looks = !query.filter.metadata.is_empty();
        let limit = if looks { query.limit.max(LOOKED_THROUGH) } else { query.limit };
        let most = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut after = query.after;
        loop {
            let rows = self.fetch(conn, page_query(self.sql(), query, &known, after, head, limit), "events").await?;
            let known = self.known_of(conn, &rows, 4, "events").await?;
            // What a trim removes between the statements is told by the second one.
            let mark = match rows.first() {
                Some(row) => trimmed(field(row, EVENT.len() + 1, "events")?, "events")?,
                None => self.trimmed(conn).await?.get(),
            };
            check_age(&LogName::own(), query.after, mark, "events")?;
            for row in &rows {
                let event = event(row, &known)?;
                after = event.position;
                if !looks || query.filter.matches(&event) {
                    page.events.push(event);
                }
                if page.events.len() >= most {
                    page.next = after;
                    return Ok(page);
                }
            }
            if rows.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
                return Ok(page);
            }
        }
    }
}

fn page_query<'q>(
    sql: &Statements,
    query: &'q EventQuery,
    known: &Known,
    after: Position,
    head: Position,
    limit: u32,
) -> Query<'q> {
    let filter = &query.filter;
    let kinds = filter.event_kinds.as_ref().map(|kinds| names_list(kinds.iter().copied()));
    let resource = filter.resource.map(ResourceId::get);
    let prefix = filter.object_id_prefix.as_ref().map(String::as_bytes);
    let chosen = Chosen::of(known, &filter.namespaces, &filter.kinds);
    let bound = Query::new(&sql.log_page).bind(after.get()).bind(head.get()).bind(kinds.clone()).bind(kinds);
    let bound = chosen.bind(bound).bind(resource).bind(resource).bind(prefix).bind(prefix).bind(prefix);
    bound.bind(filter.metadata.is_empty()).bind(i64::from(limit))
}
