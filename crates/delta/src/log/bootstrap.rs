use delta_core::plan::consume::{CursorData, SLICES, Shape, Standing, cursor_name, slice_name, slice_prefix};
use delta_core::{
    Access, Changeset, Cursor, CursorQuery, Depth, Error, ErrorKind, Event, Filter, Invalid, ListQuery, LogEvent,
    LogStore, Position, Resource, ResourceId, Result,
};
use futures::TryStreamExt as _;
use futures::stream::{self, Stream};

use crate::log::Log;
use crate::log::source::finish;

/// A snapshot of resources, page by page, with a position of the log that was read before the first of them.
///
/// It is for whoever keeps a copy and has none yet, or has missed events: it takes the snapshot, and then goes on with the
/// events after [`position`](Self::position).
///
/// # Guarantees
///
/// What every event up to the position has changed is in the snapshot. What happens later is an event after it, and may be
/// in the snapshot too: events may repeat what the copy has already, and never miss anything.
///
/// # Examples
///
/// A consumer whose log was trimmed beyond its place:
///
/// ```no_run
/// # use delta::{Client, Filter, MemoryStore, Result};
/// # async fn rebuild(client: Client<MemoryStore>) -> Result<()> {
/// let mut snapshot = client.log().bootstrap(Filter::default()).await?;
/// while let Some(page) = snapshot.next_page().await? {
///     for resource in page { /* put it into the copy */ }
/// }
/// snapshot.hand_over("copier").await?;
/// # Ok(())
/// # }
/// ```
///
/// One that has no cursor yet begins with `from_position(snapshot.position())`.
#[derive(Debug)]
pub struct Bootstrap<S> {
    log: Log<S, Event>,
    filter: Filter,
    position: Position,
    page: u32,
    after: Option<ResourceId>,
}

impl<S: LogStore> Log<S, Event> {
    /// Begins a snapshot of the resources that a filter chooses: reads the position now, and the resources when asked for.
    ///
    /// # Errors
    ///
    /// `Unavailable`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn bootstrap(&self, filter: Filter) -> Result<Bootstrap<S>> {
        let position = self.head().await?.position;
        Ok(Bootstrap { log: self.clone(), filter, position, page: 1_000, after: Some(ResourceId::default()) })
    }
}

impl<S: LogStore> Bootstrap<S> {
    /// How many resources a page has at most; 1,000 by default.
    #[must_use]
    pub fn page_size(mut self, resources: u32) -> Self {
        self.page = resources.max(1);
        self
    }

    /// Up to where the snapshot has all that happened.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next resources, by id; `None` after the last ones.
    ///
    /// # Errors
    ///
    /// `Unavailable`; the next call tries again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the snapshot where it was.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Resource>>> {
        let Some(after) = self.after else { return Ok(None) };
        let query = ListQuery { filter: self.filter.clone(), after, limit: self.page, depth: Depth::Full };
        let rows = self.log.client().list(&query).await?;
        self.after = rows.last().map(|row| row.id);
        Ok((!rows.is_empty()).then_some(rows))
    }

    /// All resources, one by one. An error ends it.
    pub fn into_stream(self) -> impl Stream<Item = Result<Resource>> + Send {
        let pages = stream::try_unfold(self, |mut snapshot| async move {
            Ok::<_, Error>(snapshot.next_page().await?.map(|page| (stream::iter(page.into_iter().map(Ok)), snapshot)))
        });
        pages.try_flatten()
    }

    /// Has a consumer go on after the snapshot: see [`Log::go_on_from`].
    ///
    /// # Errors
    ///
    /// As [`Log::go_on_from`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future moves the consumer as a whole, or not at all.
    pub async fn hand_over(&self, consumer: &str) -> Result<()> {
        self.log.go_on_from(consumer, self.position).await
    }
}

impl<S: LogStore, E: LogEvent> Log<S, E> {
    /// Has a consumer go on after a position, without the events up to there: because a snapshot that was taken after the
    /// position was read makes up for them. All slices of a sharded one move. What is further already stays.
    ///
    /// A consumer that runs meanwhile notices, and goes on from there. One whose place is kept in a store of its own is moved
    /// there, by [`CursorStore::save`](crate::CursorStore::save).
    ///
    /// # Errors
    ///
    /// `Invalid` for a position beyond the head of the log, and for a consumer without a cursor; `Conflict` if the cursor
    /// is being moved all the time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future moves the consumer as a whole, or not at all.
    pub async fn go_on_from(&self, consumer: &str, position: Position) -> Result<()> {
        let head = self.head().await?.position;
        if position > head {
            let expected = format!("at most {head}, the head of the log");
            return Err(Invalid::new("position", expected, position.to_string()).into());
        }
        let store = self.store();
        let mut conn = store.acquire(Access::Write).await?;
        let moved = self.go_on_in(&mut conn, consumer, position).await;
        finish(store, conn, moved)
    }

    async fn go_on_in(&self, conn: &mut S::Conn, consumer: &str, position: Position) -> Result<()> {
        let store = self.store();
        for _ in 0..ATTEMPTS {
            let cursors = self.standings(conn, consumer).await?;
            let moves = cursors.into_iter().filter_map(|(cursor, mut standing)| {
                standing.advance(position).then(|| standing.into_cursor(cursor).put())
            });
            let changes = Changeset { cursors: moves.collect(), ..Changeset::new(store.now(conn).await?) };
            if changes.is_empty() || store.commit(conn, &changes).await?.lost_cursor.is_none() {
                return Ok(());
            }
        }
        let what = format!("expected consumer {consumer:?} to stand still for a moment, found it moving");
        Err(Error::new(ErrorKind::Conflict, "move a consumer", what))
    }

    /// The cursors that hold a consumer's positions: its one, or those of all its slices, stored or not.
    async fn standings(&self, conn: &mut S::Conn, consumer: &str) -> Result<Vec<(Cursor, Standing)>> {
        let (store, name) = (self.store(), self.name());
        let query = CursorQuery::Names(vec![cursor_name(name, consumer)]);
        let parent = store.cursors(conn, &query).await?.pop();
        let standing = parent.as_ref().map(Standing::of).transpose()?.flatten();
        let (Some(parent), Some(standing)) = (parent, standing) else {
            let found = format!("none of {consumer:?}");
            return Err(Invalid::new("consumer", "one that has a cursor in this log", found).into());
        };
        if standing.data.shape == Shape::One {
            return Ok(vec![(parent, standing)]);
        }
        let stored = store.cursors(conn, &CursorQuery::Prefix(slice_prefix(name, consumer))).await?;
        let mut stored = stored.into_iter().peekable();
        // Both are in the order of their names.
        let mut slices = Vec::with_capacity(usize::from(SLICES));
        for slice in 0..SLICES {
            let slice = slice_name(name, consumer, slice);
            let cursor = stored.next_if(|cursor| cursor.name == slice).unwrap_or_else(|| Cursor::new(slice));
            let data = || CursorData { attempts: [].into(), skip: [].into(), ..standing.data.clone() };
            let at = Standing::of(&cursor)?.unwrap_or_else(|| Standing { position: None, data: data() });
            slices.push((cursor, at));
        }
        Ok(slices)
    }
}

/// How often a move is tried against whoever else moves the cursor.
const ATTEMPTS: usize = 10;
