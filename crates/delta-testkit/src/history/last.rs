use delta_core::{
    Access, Browse, Cursor, CursorQuery, Depth, Event, EventFilter, EventQuery, Filter, ListQuery, Position, Resource,
    ResourceId, Result, Timestamp,
};

/// How many rows one query reads.
const PAGE: u32 = 1_000;

/// What the tables hold once nothing runs any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// The database's time.
    pub now: Timestamp,
    /// Every resource, whole, by id.
    pub rows: Vec<Resource>,
    /// The log, from what is left of it.
    pub log: Vec<Event>,
    /// Every cursor, by name.
    pub cursors: Vec<Cursor>,
}

impl Last {
    /// Reads the tables of any store.
    ///
    /// # Errors
    ///
    /// The store's.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn read<S: Browse>(store: &S) -> Result<Self> {
        let mut conn = store.acquire(Access::Read).await?;
        let now = store.now(&mut conn).await?;
        let mut rows: Vec<Resource> = Vec::new();
        loop {
            let after = rows.last().map_or_else(ResourceId::default, |row| row.id);
            let query = ListQuery { filter: Filter::default(), after, limit: PAGE, depth: Depth::Full };
            let page = store.list(&mut conn, &query).await?;
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        let mut log: Vec<Event> = Vec::new();
        let mut query = EventQuery { after: Position::START, limit: PAGE, filter: EventFilter::default() };
        loop {
            let page = store.events(&mut conn, &query).await?;
            let done = page.events.is_empty() && page.next >= page.head;
            log.extend(page.events);
            query.after = page.next;
            if done {
                break;
            }
        }
        let mut cursors = store.cursors(&mut conn, &CursorQuery::Prefix(String::new())).await?;
        cursors.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { now, rows, log, cursors })
    }
}
