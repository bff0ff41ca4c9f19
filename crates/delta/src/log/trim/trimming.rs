use std::fmt;
use std::future::Future;
use std::sync::Arc;

use delta_core::{Access, CursorQuery, Invalid, LogEvent, LogPage, LogStore, Position, Result, Timestamp};

use crate::log::Log;
use crate::log::cursor_store::CursorStore;
use crate::log::source::finish;
use crate::log::trim::archive::{Archive, Failure};
use crate::log::trim::rule::{Rule, Trim, TrimPast, all_but};
use crate::log::trim::slowest::{Slowest, prefix, slowest};
use crate::metrics;

/// A trim of a log, to be [`run`](Self::run).
///
/// # Guarantees
///
/// - It never passes an event that a consumer of the log has yet to handle, by its cursor in the database, those of slices
///   included, and by the cursors that are kept elsewhere and [named](Self::cursors), unless it is
///   [told to](Self::past).
/// - An archive has taken a batch before any of it is removed. One that fails ends the trim, with nothing of that batch
///   removed. It may be given a batch again that it took before.
/// - A consumer whose events were removed nevertheless is told so by `CursorTooOld`, and skips nothing silently.
#[must_use = "it removes nothing before it is run"]
pub struct Trimming<S, E: LogEvent> {
    terms: Terms<S, E>,
    archive: Option<Archive<E>>,
}

/// What may go, and how much of it at once.
struct Terms<S, E: LogEvent> {
    log: Log<S, E>,
    rule: Rule,
    past: TrimPast,
    elsewhere: Vec<(Arc<dyn CursorStore>, Vec<String>)>,
    batch: u32,
}

impl<S, E: LogEvent> fmt::Debug for Trimming<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Terms { log, rule, past, elsewhere, batch } = &self.terms;
        f.debug_struct("Trimming")
            .field("log", log)
            .field("rule", rule)
            .field("past", past)
            .field("elsewhere", elsewhere)
            .field("batch", batch)
            .field("archive", &self.archive)
            .finish()
    }
}

/// What a trim has done.
#[derive(Debug)]
pub struct TrimReport {
    /// How many events it has removed.
    pub events: u64,
    /// Up to where the log is gone now.
    pub up_to: Position,
    /// Why it went no further.
    pub end: TrimEnd,
}

/// Why a trim went no further.
#[derive(Debug)]
pub enum TrimEnd {
    /// All that it was to remove is gone.
    Done,
    /// This consumer has yet to handle what comes next.
    Consumer(Slowest),
    /// The archive did not take the next batch.
    Archive(Failure),
}

impl<S: LogStore, E: LogEvent> Log<S, E> {
    /// Removes the oldest events: see [`Trimming`].
    pub fn trim(&self, trim: Trim) -> Trimming<S, E> {
        let terms = Terms {
            log: self.clone(),
            rule: trim.0,
            past: TrimPast::default(),
            elsewhere: Vec::new(),
            batch: self.source().limits().page,
        };
        Trimming { terms, archive: None }
    }
}

impl<S: LogStore, E: LogEvent> Trimming<S, E> {
    /// What it may pass; by default no event that a consumer has yet to handle.
    pub fn past(mut self, past: TrimPast) -> Self {
        self.terms.past = past;
        self
    }

    /// Heeds the places of these consumers too, which are kept in another store: a cursor table of the application. A
    /// consumer without a place there has yet to handle everything.
    pub fn cursors<N: Into<String>>(mut self, store: impl CursorStore, consumers: impl IntoIterator<Item = N>) -> Self {
        self.terms.elsewhere.push((Arc::new(store), consumers.into_iter().map(Into::into).collect()));
        self
    }

    /// Gives each batch to an archive before it is removed.
    pub fn archive<F, R, X>(mut self, hook: F) -> Self
    where
        F: FnMut(Vec<E>) -> R + Send + 'static,
        R: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<Failure>,
    {
        self.archive = Some(Archive::new(hook));
        self
    }

    /// How many events are read, archived and removed at once; as many as one query of the log reads by default.
    pub fn batch(mut self, events: u32) -> Self {
        self.terms.batch = events;
        self
    }

    /// Removes events, batch by batch.
    ///
    /// # Errors
    ///
    /// `Invalid` for a position above the head of the log, or a batch of none. Besides those of the store, those of reading
    /// cursors: one that cannot be understood trims nothing. Batches before an error are gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each batch there or gone, whole or in part from its beginning.
    pub async fn run(self) -> Result<TrimReport> {
        let Self { terms, archive } = self;
        if terms.batch == 0 {
            return Err(Invalid::new("batch", "at least one event", "0").into());
        }
        let gone = terms.log.source().trimmed().await?;
        let mut report = TrimReport { events: 0, up_to: gone, end: TrimEnd::Done };
        match (terms.goal(gone).await?, archive) {
            (Goal::Position(goal), None) => terms.remove_unread(goal, &mut report).await?,
            (goal, archive) => terms.remove_read(goal, archive, &mut report).await?,
        }
        Ok(report)
    }
}

impl<S: LogStore, E: LogEvent> Terms<S, E> {
    async fn goal(&self, gone: Position) -> Result<Goal> {
        let source = &**self.log.source();
        Ok(match self.rule {
            Rule::OlderThan(age) => Goal::Before(self.now().await? - age),
            Rule::Keep(events) => Goal::Position(all_but(source, events, self.batch).await?),
            Rule::UpTo(position) => {
                let head = source.read(gone, 1, &E::Filter::default()).await?.head;
                if position > head {
                    let expected = format!("at most {head}, the head of the log");
                    return Err(Invalid::new("position", expected, position.to_string()).into());
                }
                Goal::Position(position)
            }
        })
    }

    /// Removes events up to a position without looking at them.
    async fn remove_unread(&self, goal: Position, report: &mut TrimReport) -> Result<()> {
        loop {
            let slowest = self.slowest().await?;
            let held = slowest.as_ref().map_or(goal, |slowest| slowest.position.min(goal));
            let removed = if held > report.up_to { self.remove(held, report).await? } else { 0 };
            if removed < u64::from(self.batch) {
                report.end = match slowest {
                    Some(slowest) if slowest.position < goal => TrimEnd::Consumer(slowest),
                    _ => TrimEnd::Done,
                };
                return Ok(());
            }
        }
    }

    /// Reads events, has them archived, and removes them.
    async fn remove_read(&self, goal: Goal, mut archive: Option<Archive<E>>, report: &mut TrimReport) -> Result<()> {
        let mut after = report.up_to;
        loop {
            let slowest = self.slowest().await?;
            let page = self.log.source().read(after, self.batch, &E::Filter::default()).await?;
            let Cut { events, to, end } = cut(page, after, goal, slowest);
            if let (Some(archive), false) = (&mut archive, events.is_empty())
                && let Err(failure) = archive.take(events).await
            {
                report.end = TrimEnd::Archive(failure);
                return Ok(());
            }
            // Noop events that no reader sees make a page longer than its events.
            while report.up_to < to && self.remove(to, report).await? >= u64::from(self.batch) {}
            after = to;
            if let Some(end) = end {
                report.end = end;
                return Ok(());
            }
        }
    }

    async fn remove(&self, up_to: Position, report: &mut TrimReport) -> Result<u64> {
        let trimmed = self.log.source().trim(up_to, self.batch).await?;
        metrics::trimmed(self.log.name(), trimmed.events);
        report.events += trimmed.events;
        report.up_to = report.up_to.max(trimmed.up_to);
        Ok(trimmed.events)
    }

    /// The consumer that holds the trim, unless it may pass them all.
    async fn slowest(&self) -> Result<Option<Slowest>> {
        if self.past == TrimPast::Consumers {
            return Ok(None);
        }
        let store = self.log.store();
        let mut conn = store.acquire(Access::Read).await?;
        let cursors = store.cursors(&mut conn, &CursorQuery::Prefix(prefix(self.log.name()))).await;
        let mut found = slowest(self.log.name(), &finish(store, conn, cursors)?)?;
        for (store, consumers) in &self.elsewhere {
            for consumer in consumers {
                let position = store.load(consumer).await?.unwrap_or(Position::START);
                if found.as_ref().is_none_or(|found| position < found.position) {
                    found = Some(Slowest { consumer: consumer.clone(), position });
                }
            }
        }
        Ok(found)
    }

    async fn now(&self) -> Result<Timestamp> {
        if let Some(now) = self.log.client().engine.clock.now() {
            return Ok(now);
        }
        let store = self.log.store();
        let mut conn = store.acquire(Access::Read).await?;
        let now = store.now(&mut conn).await;
        finish(store, conn, now)
    }
}

/// Where a trim is to end.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// At the last event up to here.
    Position(Position),
    /// Before the first event of this time or later.
    Before(Timestamp),
}

impl Goal {
    fn holds<E: LogEvent>(self, event: &E) -> bool {
        match self {
            Self::Position(goal) => event.position() <= goal,
            Self::Before(time) => event.at() < time,
        }
    }
}

/// What of a page may go.
struct Cut<E> {
    events: Vec<E>,
    /// Up to where.
    to: Position,
    /// Why nothing after it may; `None` if the next page has to tell.
    end: Option<TrimEnd>,
}

fn cut<E: LogEvent>(page: LogPage<E>, after: Position, goal: Goal, slowest: Option<Slowest>) -> Cut<E> {
    let LogPage { mut events, next, head, .. } = page;
    let held = |event: &E| slowest.as_ref().is_some_and(|slowest| event.position() > slowest.position);
    let stays = events.iter().position(|event| held(event) || !goal.holds(event));
    // Up to there stand none but the events that may go, and noop events that no reader sees. Those may not go either where
    // they are not handled or beyond the goal: whoever stands there would be too old.
    let mut to = stays.map_or(next, |stays| Position::new(events[stays].position().get() - 1));
    if let Goal::Position(goal) = goal {
        to = to.min(goal);
    }
    let wanted = stays.is_none_or(|stays| goal.holds(&events[stays]));
    let behind = slowest.filter(|slowest| slowest.position < to || stays.is_some() && wanted);
    to = behind.as_ref().map_or(to, |slowest| to.min(slowest.position)).max(after);
    let end = match behind {
        Some(slowest) => Some(TrimEnd::Consumer(slowest)),
        None => (stays.is_some() || to < next || next >= head || next <= after).then_some(TrimEnd::Done),
    };
    events.truncate(stays.unwrap_or(events.len()));
    Cut { events, to, end }
}
