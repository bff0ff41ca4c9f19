use std::collections::BTreeSet;
use std::fmt;

use delta_core::{
    Access, DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable, Invalid, LogEvent, LogStore,
    Position, Result, Timestamp,
};

use crate::log::Log;
use crate::log::source::finish;

/// The events of a log that a consumer gave up on: to be looked at, tried again, or declared done.
///
/// They are kept in the store's own table, unless [another](Self::table) is named.
///
/// # Examples
///
/// ```
/// # use delta::{Client, MemoryStore};
/// use delta::core::DeadLetterStatus;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), delta::Error> {
/// # let client = Client::builder(MemoryStore::new()).build()?;
/// let letters = client.log().dead_letters("mailer");
/// for letter in letters.list(Some(DeadLetterStatus::Dead), 0, 100).await? {
///     println!("{}: {}", letter.position, letter.message);
///     letters.replay(&[letter.id]).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct DeadLetters<S, E: LogEvent> {
    log: Log<S, E>,
    consumer: Option<String>,
    table: ErrorTable,
}

impl<S, E: LogEvent> fmt::Debug for DeadLetters<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters")
            .field("log", &self.log)
            .field("consumer", &self.consumer)
            .field("table", &self.table)
            .finish()
    }
}

impl<S: LogStore, E: LogEvent> Log<S, E> {
    /// The events of this log that a consumer gave up on.
    pub fn dead_letters(&self, consumer: impl Into<String>) -> DeadLetters<S, E> {
        let table = self.store().dead_letter_table();
        DeadLetters { log: self.clone(), consumer: Some(consumer.into()), table }
    }

    /// The events of this log that any consumer gave up on.
    pub fn all_dead_letters(&self) -> DeadLetters<S, E> {
        DeadLetters { log: self.clone(), consumer: None, table: self.store().dead_letter_table() }
    }
}

impl<S: LogStore, E: LogEvent> DeadLetters<S, E> {
    /// Those in a table of the application's own. Without a column for the log, all in it are taken to be of this one.
    ///
    /// # Errors
    ///
    /// `Invalid` if a name cannot be that of a table or column.
    pub fn table(mut self, table: ErrorTable) -> Result<Self> {
        table.check()?;
        self.table = table;
        Ok(self)
    }

    /// Lists at most so many with an id above `after` (0 for the first), by id; in one status, or in any.
    ///
    /// # Errors
    ///
    /// `Unavailable`; `Unsupported` if the table is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn list(&self, status: Option<DeadLetterStatus>, after: i64, limit: u32) -> Result<Vec<DeadLetter>> {
        self.find(&DeadLetterQuery { status, after, limit, ..self.query() }).await
    }

    /// The letter of an id, if it is one of these.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn show(&self, id: i64) -> Result<Option<DeadLetter>> {
        let query = DeadLetterQuery { after: id.saturating_sub(1), limit: 1, ..self.query() };
        Ok(self.find(&query).await?.pop().filter(|letter| letter.id == id))
    }

    /// The event of a letter: as it was kept with it or, in a table without a column for it, as the log has it.
    ///
    /// # Errors
    ///
    /// `CursorTooOld` if it was trimmed; `Corrupt` if what was kept is not an event; `Invalid` if the log has none there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn event(&self, letter: &DeadLetter) -> Result<E> {
        event(&self.log, letter).await
    }

    /// Has the consumer try these again, those that are dead: as soon as it runs, and out of the order of the log. One that
    /// fails is dead again; one that does not is resolved. Returns how many.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes all of them or none.
    pub async fn replay(&self, ids: &[i64]) -> Result<u64> {
        self.mark(ids, &[DeadLetterStatus::Dead], DeadLetterStatus::Replay).await
    }

    /// Declares these done, whoever did it. Returns how many were not yet.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes all of them or none.
    pub async fn resolve(&self, ids: &[i64]) -> Result<u64> {
        self.mark(ids, &[DeadLetterStatus::Dead, DeadLetterStatus::Replay], DeadLetterStatus::Resolved).await
    }

    fn query(&self) -> DeadLetterQuery {
        DeadLetterQuery {
            consumer: self.consumer.clone(),
            log: Some(self.log.name().clone()),
            ..DeadLetterQuery::default()
        }
    }

    async fn find(&self, query: &DeadLetterQuery) -> Result<Vec<DeadLetter>> {
        let store = self.log.store();
        let mut conn = store.acquire(Access::Read).await?;
        let found = store.dead_letters(&mut conn, &self.table, query).await;
        finish(store, conn, found)
    }

    /// Only those that this handle lists: an id of another consumer's changes nothing.
    async fn mark(&self, ids: &[i64], from: &[DeadLetterStatus], to: DeadLetterStatus) -> Result<u64> {
        let ids: BTreeSet<i64> = ids.iter().copied().collect();
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(0) };
        let (mut own, mut after) = (Vec::with_capacity(ids.len()), first.saturating_sub(1));
        while after < *last {
            let page = self.list(None, after, PAGE).await?;
            after = page.last().filter(|_| page.len() == PAGE as usize).map_or(*last, |letter| letter.id);
            own.extend(page.iter().map(|letter| letter.id).filter(|id| ids.contains(id)));
        }
        if own.is_empty() {
            return Ok(0);
        }
        let store = self.log.store();
        let mut conn = store.acquire(Access::Write).await?;
        let marked = async {
            let now: Timestamp = store.now(&mut conn).await?;
            store.mark_dead_letters(&mut conn, &self.table, &own, from, to, now).await
        }
        .await;
        finish(store, conn, marked)
    }
}

/// How many letters are listed at once to find those that are one's own.
const PAGE: u32 = 1_000;

/// The event of a letter: as it was kept with it, else as the log has it.
pub(crate) async fn event<S: LogStore, E: LogEvent>(log: &Log<S, E>, letter: &DeadLetter) -> Result<E> {
    if let Some(text) = &letter.event {
        let corrupt = |error| Error::new(ErrorKind::Corrupt, format!("read dead letter {}", letter.id), error);
        return serde_json::from_str(text).map_err(corrupt);
    }
    let before = Position::new(letter.position.get() - 1);
    let page = log.page(before, 1, &E::Filter::default()).await?;
    if let Some(event) = page.events.into_iter().next().filter(|event| event.position() == letter.position) {
        return Ok(event);
    }
    // After the start a log is read from where it was trimmed.
    let gone = log.source().trimmed().await?;
    if gone >= letter.position {
        let what = format!("expected the event at {}, found the log trimmed up to {gone}", letter.position);
        return Err(Error::new(ErrorKind::CursorTooOld, "read a dead letter", what));
    }
    Err(Invalid::new("dead letter", "the position of an event of this log", letter.position.to_string()).into())
}
