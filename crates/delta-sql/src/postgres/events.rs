use delta_core::{Error, ErrorKind, EventPage, EventQuery, Position, ResourceId, Result};

use super::driver::PostgresDriver;
use super::filter::Chosen;
use super::names::Wanted;
use super::query::Query;
use super::rows::{EventShape, Fields, event, field};
use super::tables::{Tables, first};

/// How far the log may be read.
///
/// # Why nothing is skipped
///
/// Positions are given out before their events are committed, so that a later position may be there before an earlier
/// one. Before its first position, every transaction that appends takes a shared lock whose key is the last position
/// given out so far (the trigger `hold_log`), and keeps it until it ends. A reader does three things, each in a
/// statement of its own, one after the other:
///
/// 1. it reads H, the last position given out;
/// 2. it reads M, the lowest key of such a lock that is held;
/// 3. it reads the events up to the lower of H and M.
///
/// Take an event of position e up to there that is ever committed. As e is at most H, it had been given out before step 1,
/// so its transaction had taken its lock before step 1 as well, under a key below e. Had that still been held in step 2, M
/// would be below e. So the transaction had ended by then, and as a commit can be seen before its locks are let go of, the
/// snapshot of step 3, taken later, shows the event. Hence no event up to there can still appear, which is S7.
///
/// - The sequence has no cache, so that positions are given out in the order in which H grows, by any session.
/// - A savepoint that is rolled back lets go of a lock taken in it, and of the note that it was taken; the positions given
///   out under it are never committed.
/// - One snapshot for all three statements would show in step 3 less than what was committed in step 2: in a transaction
///   that keeps its snapshot the log is not read.
/// - The locks of a standby are not those of its primary, so a server in recovery does not answer.
#[derive(Clone, Copy, Debug)]
struct Horizon {
    end: i64,
    readable: i64,
}

impl<D: PostgresDriver> Tables<D> {
    /// Reads the log.
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
        let kinds: Option<Vec<&str>> = query.filter.event_kinds.as_ref().map(|kinds| kinds.iter().copied().collect());
        let chosen = Chosen::of(&known, &query.filter.namespaces, &query.filter.kinds);
        let bound = Query::new(&self.sql().events).bind(after).bind(horizon.readable).bind(i64::from(query.limit));
        let bound = chosen.bind(bound.bind(kinds)).bind(query.filter.resource.map(ResourceId::get));
        let rows = self.read(conn, bound, "events").await?;
        let known = self.known_of(conn, &rows, 3, "events").await?;
        let events = rows.iter().map(|row| event(&mut Fields::new(row, "events"), &known, EventShape::Plain));
        page.events = events.collect::<Result<_>>()?;
        if page.events.len() >= usize::try_from(query.limit).unwrap_or(usize::MAX) {
            page.next = page.events.last().map_or(query.after, |last| last.position);
        }
        Ok(page)
    }

    async fn horizon(&self, conn: &mut D::Conn) -> Result<Horizon> {
        let rows = self.read(conn, Query::new(&self.sql().log_end), "events").await?;
        let row = first(&rows, "events")?;
        let end: Option<i64> = field(row, 0, "events")?;
        let Some(end) = end else {
            let what = "expected a server that takes writes, found a standby, which does not know who is appending";
            return Err(Error::new(ErrorKind::Unavailable, "events", what));
        };
        if self.driver().is_in_transaction(conn) {
            let isolation: &str = field(row, 1, "events")?;
            if isolation != "read committed" {
                let what = format!("expected a transaction that is read committed, found one that is {isolation}");
                return Err(Error::new(ErrorKind::Invalid, "events", what));
            }
        }
        let rows = self.read(conn, Query::new(&self.sql().log_floor), "events").await?;
        let floor: Option<i64> = field(first(&rows, "events")?, 0, "events")?;
        Ok(Horizon { end, readable: floor.map_or(end, |floor| floor.min(end)) })
    }
}
