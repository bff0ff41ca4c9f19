use std::collections::VecDeque;
use std::time::Duration;

use delta_core::{
    Access, DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, LogEvent, LogStore, Result, Store as _,
};
use futures::future::{BoxFuture, FutureExt as _, OptionFuture};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::instant;
use crate::log::consume::attempt::{Attempt, Ended, caught};
use crate::log::consume::books::Books;
use crate::log::consume::delivery::Ack;
use crate::log::consume::unit::{LaneKey, Unit};
use crate::log::consume::{ConsumeError, GiveUp};
use crate::log::consumer::Handler;
use crate::log::dead_letters;
use crate::log::source::finish;

/// How often the dead letters are looked for that are to be tried again.
pub(super) const LOOK: Duration = Duration::from_secs(5);
/// How many are tried between two looks.
const MOST: u32 = 100;

/// What has come of a replay.
#[derive(Debug)]
pub(super) enum Replayed {
    /// It was handled, and is resolved.
    Resolved,
    /// It has failed, and is dead again.
    Failed(i64, ConsumeError),
    /// Somebody else has dealt with it, or the run was told to end.
    Left,
}

/// Dead letters with their events.
type Letters<E> = Vec<(DeadLetter, E)>;

/// The dead letters of a run that are tried again.
pub(super) struct Replays<E> {
    look_at: Instant,
    looking: Option<BoxFuture<'static, Result<Letters<E>>>>,
    waiting: VecDeque<(DeadLetter, E)>,
    running: FuturesUnordered<BoxFuture<'static, Result<Replayed>>>,
    looked: bool,
}

impl<E: LogEvent> Replays<E> {
    pub(super) fn new() -> Self {
        Self {
            look_at: instant(),
            looking: None,
            waiting: VecDeque::new(),
            running: FuturesUnordered::new(),
            looked: false,
        }
    }

    /// How many run.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether all that was to be tried again when the run began has been.
    pub(super) fn is_clear(&self) -> bool {
        self.looked && self.waiting.is_empty() && self.running.is_empty()
    }

    /// When to look again.
    pub(super) fn look_at(&self) -> Option<Instant> {
        (self.looking.is_none() && self.waiting.is_empty() && self.running.is_empty()).then_some(self.look_at)
    }

    /// Looks for what is to be tried again, if it is time.
    pub(super) fn look<S: LogStore>(&mut self, books: &Books<S, E>, now: Instant) {
        if !books.keeps_letters() {
            self.looked = true;
            self.look_at = now + Duration::from_hours(1);
        } else if self.look_at().is_some_and(|at| at <= now) {
            self.look_at = now + LOOK;
            self.looking = Some(books.clone().find_replays().boxed());
        }
    }

    /// Begins the next one, if there is one.
    pub(super) fn begin<S: LogStore>(&mut self, books: &Books<S, E>, cancellation: &CancellationToken) -> bool {
        let Some((letter, event)) = self.waiting.pop_front() else { return false };
        self.running.push(books.clone().replay(letter, event, cancellation.clone()));
        true
    }

    /// What was found is to be tried again, as far as `mine` says so.
    pub(super) fn found(&mut self, letters: Letters<E>, mine: impl Fn(&E) -> bool) {
        self.looked = true;
        self.waiting.extend(letters.into_iter().filter(|(_, event)| mine(event)));
    }

    /// Drops what runs.
    pub(super) fn clear(&mut self) {
        self.running.clear();
        self.looking = None;
    }

    /// The next that happens; never, if nothing goes on.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Replay<E> {
        let Self { looking, running, .. } = self;
        let next = tokio::select! {
            biased;
            Some(found) = OptionFuture::from(looking.as_mut()) => Replay::Found(found),
            Some(replayed) = running.next() => Replay::Over(replayed),
            else => std::future::pending().await,
        };
        if matches!(next, Replay::Found(_)) {
            self.looking = None;
        }
        next
    }
}

/// What has happened to replays.
pub(super) enum Replay<E> {
    /// These are to be tried again.
    Found(Result<Letters<E>>),
    /// One was.
    Over(Result<Replayed>),
}

impl<S: LogStore, E: LogEvent> Books<S, E> {
    /// Whether the consumer keeps dead letters.
    pub(super) fn keeps_letters(&self) -> bool {
        matches!(self.setup.consumer.give_up, Some((_, GiveUp::DeadLetter)))
    }

    /// The dead letters that are to be tried again, with their events.
    pub(super) async fn find_replays(self) -> Result<Letters<E>> {
        let setup = &*self.setup;
        let query = DeadLetterQuery {
            consumer: Some(setup.name().to_owned()),
            log: Some(setup.log.name().clone()),
            status: Some(DeadLetterStatus::Replay),
            limit: MOST,
            ..DeadLetterQuery::default()
        };
        let store = setup.store();
        let mut conn = store.acquire(Access::Read).await?;
        let letters = store.dead_letters(&mut conn, &setup.letters, &query).await;
        let mut found = Vec::new();
        for letter in finish(store, conn, letters)? {
            match dead_letters::event(&setup.log, &letter).await {
                Ok(event) => found.push((letter, event)),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::error!(consumer = setup.name(), letter = letter.id, %error, "a dead letter's event cannot be read");
                }
            }
        }
        Ok(found)
    }

    /// Handles the event of a dead letter once more.
    pub(super) fn replay(
        self,
        letter: DeadLetter,
        event: E,
        cancellation: CancellationToken,
    ) -> BoxFuture<'static, Result<Replayed>> {
        let (acks, mut said) = unbounded_channel();
        let number = letter.attempts.unwrap_or(0).saturating_add(1);
        let unit = Unit { id: 0, lane: LaneKey { slice: 0, key: 0 }, events: vec![event], doubtful: false };
        let attempt = Attempt { books: self, unit, number, cancellation, acks, cursor: None };
        async move {
            let ended = match &attempt.books.setup.consumer.handler {
                Handler::InTransaction(_) => return attempt.replay_in_transaction(letter).await,
                Handler::Free(_) | Handler::Manual(_) => attempt.end_in_span().await,
            };
            let ended = match ended {
                Ended::Returned => match said.recv().await {
                    Some(Ack::One(_) | Ack::UpTo(_)) => Ended::Handled,
                    _ => Ended::Failed(ConsumeError::new("dropped without an ack")),
                },
                ended => ended,
            };
            match ended {
                Ended::Handled => attempt.resolve(&letter).await,
                Ended::Failed(error) => attempt.put_back(letter, error).await,
                Ended::Store(error) => Err(error),
                Ended::Written(_) | Ended::Filtered | Ended::Returned | Ended::Lost => Ok(Replayed::Left),
            }
        }
        .boxed()
    }
}

impl<S: LogStore, E: LogEvent> Attempt<S, E> {
    async fn resolve(&self, letter: &DeadLetter) -> Result<Replayed> {
        let store = self.books.setup.store();
        let now = self.books.now().await?;
        let mut conn = store.acquire(Access::Write).await?;
        let (from, to) = (&[DeadLetterStatus::Replay], DeadLetterStatus::Resolved);
        let marked = store.mark_dead_letters(&mut conn, &self.books.setup.letters, &[letter.id], from, to, now).await;
        finish(store, conn, marked).map(|_| Replayed::Resolved)
    }

    async fn replay_in_transaction(&self, letter: DeadLetter) -> Result<Replayed> {
        let Handler::InTransaction(handler) = &self.books.setup.consumer.handler else { return Ok(Replayed::Left) };
        let store = self.books.setup.store();
        let mut tx = self.books.begin().await?;
        let now = tx.now().await?;
        let (from, to) = (&[DeadLetterStatus::Replay], DeadLetterStatus::Resolved);
        let ids = [letter.id];
        // First, so that it is handled once only.
        if store.mark_dead_letters(tx.conn()?, &self.books.setup.letters, &ids, from, to, now).await? == 0 {
            tx.roll_back().await?;
            return Ok(Replayed::Left);
        }
        let conn = tx.conn()?;
        match caught(|| handler(conn, &self.unit.events)).await {
            Ok(()) => tx.commit().await.map(|()| Replayed::Resolved),
            Err(error) => {
                tx.roll_back().await?;
                match self.recovered(error) {
                    Ended::Failed(error) => self.put_back(letter, error).await,
                    _ => self.resolve(&letter).await,
                }
            }
        }
    }

    /// It has failed again, and waits for somebody to look at it.
    async fn put_back(&self, letter: DeadLetter, error: ConsumeError) -> Result<Replayed> {
        if self.cancellation.is_cancelled() {
            return Ok(Replayed::Left);
        }
        let mut tx = self.books.begin().await?;
        let written: Result<Option<_>, Error> = async {
            let now = tx.now().await?;
            let message = error.to_string();
            let log = self.books.setup.log.name();
            let mut again = letter.clone();
            if let Some(event) = self.unit.events.first() {
                again = dead_letters::letter(log, &letter.consumer, event, message, self.number, now)?;
            }
            let again = DeadLetter { created_at: letter.created_at, ..again };
            let setup = &self.books.setup;
            let signals = setup.recorder.record(setup.log.store(), tx.conn()?, &again).await?;
            // Whatever the recorder does, it is not tried again and again.
            let (from, to) = (&[DeadLetterStatus::Replay], DeadLetterStatus::Dead);
            setup.store().mark_dead_letters(tx.conn()?, &setup.letters, &[letter.id], from, to, now).await?;
            Ok(Some(signals))
        }
        .await;
        let signals = tx.end(written).await?.unwrap_or_default();
        self.books.setup.engine().send(signals);
        Ok(Replayed::Failed(letter.id, error))
    }
}
