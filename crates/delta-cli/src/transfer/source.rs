use delta::core::{
    Access, Cursor, CursorQuery, DeadLetterQuery, Depth, Filter, GivenOut, IMPORT_CURSOR, ListQuery, LogStore,
    ResourceId, Restore,
};
use delta::{EventFilter, EventQuery, Position};

use super::record::{Place, Record};
use crate::failure::Failure;

/// At most so many rows in one page, and at least one.
const MOST: u32 = 1_000;

/// About so many bytes of lines in one page: objects may be large.
const PAGE: usize = 4 << 20;

/// Whether a cursor stays out of exports: an import's own is about the database that it is in.
pub(super) fn hidden(name: &str) -> bool {
    name == IMPORT_CURSOR
}

/// Reads all that a database holds, in the order of an export.
///
/// What it reads is not one moment's: see [`compare`](super::compare).
pub(crate) struct Source<'a, S: Restore + LogStore> {
    store: &'a S,
    conn: S::Guard,
    given_out: GivenOut,
    begin: Place,
    place: Place,
    stage: Stage,
    limit: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    GivenOut,
    Scopes,
    Resources(ResourceId),
    Events(Position),
    Cursors,
    DeadLetters,
    End,
}

impl<'a, S: Restore + LogStore> Source<'a, S> {
    /// Begins after a place: [`Place::Start`] for all.
    pub(crate) async fn after(store: &'a S, place: Place) -> Result<Self, Failure> {
        let mut conn = store.acquire(Access::Read).await?;
        store.check(&mut conn).await?;
        let given_out = store.given_out(&mut conn).await?;
        let stage = match &place {
            Place::Start => Stage::GivenOut,
            Place::GivenOut | Place::Scope(_) => Stage::Scopes,
            Place::Resource(id) => Stage::Resources(ResourceId::new(*id)),
            Place::Event(position) => Stage::Events(Position::new(*position)),
            Place::Cursor(_) => Stage::Cursors,
            Place::DeadLetter(..) => Stage::DeadLetters,
            Place::End => Stage::End,
        };
        Ok(Self { store, conn, given_out, begin: place.clone(), place, stage, limit: 64 })
    }

    /// What was given out when it began.
    pub(crate) fn given_out(&self) -> GivenOut {
        self.given_out
    }

    /// The progress of an import into this database, whatever became of it.
    pub(crate) async fn import(&mut self) -> Result<Option<Cursor>, Failure> {
        let query = CursorQuery::Names(vec![IMPORT_CURSOR.to_owned()]);
        Ok(self.store.cursors(&mut self.conn, &query).await?.pop())
    }

    /// How many resources there are.
    pub(crate) async fn count(&mut self) -> Result<u64, Failure> {
        let counts = self.store.count(&mut self.conn, &Filter::default()).await?;
        Ok(counts.iter().map(|count| count.count).sum())
    }

    pub(crate) async fn now(&mut self) -> Result<delta::Timestamp, Failure> {
        Ok(self.store.now(&mut self.conn).await?)
    }

    /// The next records with their lines; none at the end.
    pub(crate) async fn page(&mut self) -> Result<Vec<(Record, String)>, Failure> {
        while self.stage != Stage::End {
            let records = self.records().await?;
            let mut page = Vec::with_capacity(records.len());
            let mut bytes = 0;
            for record in records {
                let place = record.place().map_err(Failure::Stored)?;
                // What comes whole is read again from its beginning when an export is resumed within it.
                if place <= self.begin {
                    continue;
                }
                if place <= self.place {
                    return Err(Failure::Stored(format!("expected what comes after {}, found {place}", self.place)));
                }
                self.place = place;
                let line = serde_json::to_string(&record).map_err(std::io::Error::other)?;
                bytes += line.len();
                page.push((record, line));
            }
            if !page.is_empty() {
                self.adapt(bytes);
                return Ok(page);
            }
        }
        Ok(Vec::new())
    }

    fn adapt(&mut self, bytes: usize) {
        self.limit = match bytes {
            0..PAGE => self.limit.saturating_mul(2).min(MOST),
            _ => (self.limit / 2).max(1),
        };
    }

    async fn records(&mut self) -> Result<Vec<Record>, Failure> {
        let (store, conn) = (self.store, &mut self.conn);
        match self.stage {
            Stage::GivenOut => {
                self.stage = Stage::Scopes;
                Ok(vec![Record::given_out(self.given_out)])
            }
            Stage::Scopes => {
                self.stage = Stage::Resources(ResourceId::default());
                Ok(store.scopes(conn).await?.into_iter().map(Record::scope).collect())
            }
            Stage::Resources(after) => {
                let query = ListQuery { filter: Filter::default(), after, limit: self.limit, depth: Depth::Full };
                let rows = store.list(conn, &query).await?;
                self.stage = rows.last().map_or(Stage::Events(Position::START), |last| Stage::Resources(last.id));
                let line = |row| {
                    Record::resource(row).ok_or_else(|| Failure::Stored(format!("resource {} has no object", row.id)))
                };
                rows.iter().map(line).collect()
            }
            Stage::Events(after) => {
                let query = EventQuery { after, limit: self.limit, filter: EventFilter::default() };
                let page = store.events(conn, &query).await?;
                // A log may end before the last position given out, to what was rolled back.
                if page.held_back > 0 || page.head > self.given_out.position {
                    let what = format!(
                        "expected a log that is readable up to {}, found it up to {} and {} positions held back",
                        self.given_out.position, page.head, page.held_back
                    );
                    return Err(Failure::Changed(what));
                }
                self.stage = if page.next >= page.head { Stage::Cursors } else { Stage::Events(page.next) };
                Ok(page.events.iter().map(Record::event).collect())
            }
            Stage::Cursors => {
                self.stage = Stage::DeadLetters;
                let cursors = store.cursors(conn, &CursorQuery::Prefix(String::new())).await?;
                Ok(cursors.into_iter().filter(|cursor| !hidden(&cursor.name)).map(Record::cursor).collect())
            }
            Stage::DeadLetters => {
                self.stage = Stage::End;
                let table = store.dead_letter_table();
                let mut letters = Vec::new();
                loop {
                    let after = letters.last().map_or(0, |last: &delta::core::DeadLetter| last.id);
                    let query = DeadLetterQuery { after, limit: MOST, ..DeadLetterQuery::default() };
                    let page = store.dead_letters(conn, &table, &query).await?;
                    if page.is_empty() {
                        break;
                    }
                    letters.extend(page);
                }
                let place =
                    |letter: &delta::core::DeadLetter| (letter.consumer.clone(), letter.log.clone(), letter.position);
                letters.sort_by_cached_key(place);
                Ok(letters.into_iter().map(Record::dead_letter).collect())
            }
            Stage::End => Ok(Vec::new()),
        }
    }
}
