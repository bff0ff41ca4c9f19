use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use delta_core::{LogEvent, LogPage, LogStore, Position, Result};
use futures::future::{BoxFuture, FutureExt as _, OptionFuture};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::unconstrained;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock::{instant, sleep_until};
use crate::log::consume::attempt::Done;
use crate::log::consume::books::Books;
use crate::log::consume::delivery::Ack;
use crate::log::consume::flow::Flow;
use crate::log::consume::members::Membership;
use crate::log::consume::meter::Meter;
use crate::log::consume::pen::{Letter, Penned};
use crate::log::consume::replay::{Replay, Replays};
use crate::log::consume::setup::Setup;
use crate::log::consume::slice::Slice;
use crate::log::consume::{ConsumeFailure, ConsumeSummary};
use crate::log::reader::Reader;
use crate::tasks;

/// How often a run tells how far it is, if nothing happens.
const REPORT: std::time::Duration = std::time::Duration::from_secs(5);
/// After so many turns without a wait others get theirs.
const TURNS: u32 = 128;

/// What an error of a handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It ends the run.
    Once,
    /// It is tried again.
    Supervised,
}

/// How a tenure has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Stopped,
    HeadReached,
    /// Its cursor is somebody else's, or was moved by hand: it has to be taken anew.
    Again,
}

/// What a tenure begins with.
#[derive(Clone, Debug)]
pub(super) enum Hold {
    /// The only cursor.
    One(Box<Slice>),
    /// A share in the slices, which are yet to be taken.
    Share(Membership),
}

type Reading<E> = BoxFuture<'static, (Reader<E>, Result<LogPage<E>>)>;

/// A run from taking a lease to giving it back.
///
/// Everything happens within its future: handlers, reads and writes go on beside each other, none of them waits for another,
/// and when it is dropped nothing goes on.
pub(super) struct Tenure<S: LogStore, E: LogEvent> {
    pub(super) books: Books<S, E>,
    pub(super) flow: Flow<S, E>,
    pub(super) meter: Meter,
    pub(super) mode: Mode,
    /// To be ended.
    stop: CancellationToken,
    /// What handlers see of it.
    pub(super) cancellation: CancellationToken,
    target: Option<Position>,
    pub(super) in_flight: FuturesUnordered<BoxFuture<'static, Done<E>>>,
    reader: Option<Reader<E>>,
    reading: Option<Reading<E>>,
    failed_reads: i64,
    read_at: Instant,
    pub(super) pen: Option<BoxFuture<'static, Penned<E>>>,
    pub(super) letters: VecDeque<Letter<E>>,
    pub(super) replays: Replays<E>,
    /// Among those who share the slices; none of a consumer that has none.
    pub(super) membership: Option<Membership>,
    /// Cursors that somebody else has written, to be read anew.
    pub(super) reloads: Vec<String>,
    pub(super) acks: (UnboundedSender<Ack>, UnboundedReceiver<Ack>),
    pub(super) good_until: Instant,
    pub(super) renew_at: Instant,
    pub(super) wrote_at: Instant,
    pub(super) report_at: Instant,
    over: bool,
}

/// What has happened.
enum Woken<S: LogStore, E: LogEvent> {
    Stop,
    Ack(Ack),
    Penned(Penned<E>),
    Done(Done<E>),
    Page(Reader<E>, Result<LogPage<E>>),
    Replay(Replay<E>),
    Time(std::marker::PhantomData<S>),
}

impl<S: LogStore, E: LogEvent> Tenure<S, E> {
    pub(super) fn new(books: Books<S, E>, mode: Mode, stop: CancellationToken, target: Option<Position>) -> Self {
        let setup = &books.setup;
        let options = &setup.options;
        let now = instant();
        Self {
            flow: Flow::new(setup.clone()),
            meter: Meter::new(setup.name(), setup.log.name(), options.lag_alert, options.activity_window),
            mode,
            stop,
            cancellation: CancellationToken::new(),
            target,
            in_flight: FuturesUnordered::new(),
            reader: None,
            reading: None,
            failed_reads: 0,
            read_at: now,
            pen: None,
            letters: VecDeque::new(),
            replays: Replays::new(),
            membership: None,
            reloads: Vec::new(),
            acks: unbounded_channel(),
            good_until: now,
            renew_at: now,
            wrote_at: now,
            report_at: now,
            over: false,
            books,
        }
    }

    pub(super) fn setup(&self) -> &Arc<Setup<S, E>> {
        &self.books.setup
    }

    /// Works under a lease that was asked for at that time, and gives it back in the end.
    pub(super) async fn hold(mut self, hold: Hold, asked: Instant) -> (ConsumeSummary, Result<Ending, ConsumeFailure>) {
        self.renewed(asked);
        match hold {
            Hold::One(slice) => self.flow.add(0, *slice),
            Hold::Share(membership) => {
                self.membership = Some(membership);
                self.renew_at = instant();
            }
        }
        let ended = self.work().await;
        self.cancellation.cancel();
        let position = self.flow.handled_up_to().filter(|_| self.membership.is_none());
        let finished = self.finish().await;
        let summary = ConsumeSummary { position, ..mem::take(&mut self.flow.summary) };
        let ended = match (ended, finished) {
            (Ok(Ending::Again), _) => Ok(Ending::Again),
            (Ok(_), Err(error)) => Err(ConsumeFailure::Store(error)),
            (ended, Ok(())) => ended,
            (Err(failure), Err(error)) => {
                tracing::warn!(consumer = self.setup().name(), %error, "a consumer's cursor could not be given back");
                Err(failure)
            }
        };
        (summary, ended)
    }

    async fn work(&mut self) -> Result<Ending, ConsumeFailure> {
        let mut grace_over: Option<Instant> = None;
        let mut turns = 0;
        loop {
            let now = instant();
            if now >= self.good_until && !self.flow.slices.values().any(Slice::is_lent) {
                tracing::warn!(consumer = self.setup().name(), "a consumer's lease was not renewed in time");
                return Ok(Ending::Again);
            }
            if self.stop.is_cancelled() && grace_over.is_none() {
                self.cancellation.cancel();
                grace_over = Some(now + self.setup().options.grace);
            }
            match grace_over {
                Some(over) if self.in_flight.is_empty() && self.replays.running() == 0 || now >= over => {
                    return Ok(Ending::Stopped);
                }
                Some(_) => {}
                None => {
                    if !self.flow.slices.is_empty() {
                        self.replays.look(&self.books, now);
                    }
                    self.read_on(now);
                    self.begin_units(now);
                    if self.is_at_target() {
                        return Ok(Ending::HeadReached);
                    }
                }
            }
            self.report(now);
            self.write_on(now);
            let wake =
                [Some(self.next_wake(grace_over.is_some())), grace_over].into_iter().flatten().min().unwrap_or(now);
            turns += 1;
            if turns % TURNS == 0 {
                tokio::task::yield_now().await;
            }
            let Self { stop, acks, pen, in_flight, reading, replays, .. } = &mut *self;
            let woken = tokio::select! {
                biased;
                () = stop.cancelled(), if grace_over.is_none() => Woken::<S, E>::Stop,
                Some(ack) = acks.1.recv() => Woken::Ack(ack),
                Some(penned) = OptionFuture::from(pen.as_mut()) => Woken::Penned(penned),
                Some(done) = in_flight.next() => Woken::Done(done),
                Some((reader, page)) = OptionFuture::from(reading.as_mut()) => Woken::Page(reader, page),
                replay = replays.next() => Woken::Replay(replay),
                // A handler that always has something to do uses up what tokio lets a task do at a time: the lease is renewed
                // all the same.
                () = unconstrained(sleep_until(wake)) => Woken::Time(std::marker::PhantomData),
            };
            match woken {
                Woken::Stop | Woken::Time(_) => {}
                Woken::Ack(ack) => self.hear(ack)?,
                Woken::Penned(penned) => {
                    self.pen = None;
                    if let Some(ending) = self.penned(penned)? {
                        return Ok(ending);
                    }
                }
                Woken::Done(done) => {
                    if let Some(ending) = self.ended(done)? {
                        return Ok(ending);
                    }
                }
                Woken::Replay(replay) => self.replayed(replay)?,
                Woken::Page(reader, page) => {
                    self.reading = None;
                    self.reader = Some(reader);
                    self.take_in(page)?;
                }
            }
        }
    }

    /// When something is to be done, if nothing happens. What could not be done then is left out, or this would never wait.
    fn next_wake(&self, stopping: bool) -> Instant {
        let mut wake = self.report_at.min(self.next_write());
        if self.flow.slices.values().all(|slice| !slice.is_lent()) {
            wake = wake.min(self.good_until);
        }
        if stopping || self.flow.slices.is_empty() {
            return wake;
        }
        let reads =
            self.reading.is_none() && self.flow.has_room() && self.flow.read_from().is_some() && !self.has_read_all();
        let read_at = Some(self.read_at).filter(|_| reads);
        let timer = self.flow.next_timer().filter(|_| self.has_free_hands());
        [read_at, timer, self.replays.look_at()].into_iter().flatten().fold(wake, Instant::min)
    }

    /// Whether another unit may begin.
    pub(super) fn has_free_hands(&self) -> bool {
        self.in_flight.len() + self.replays.running() < self.setup().consumer.at_once()
    }

    fn has_read_all(&self) -> bool {
        let read = self.flow.read_from();
        self.target.is_some_and(|target| read.is_some_and(|read| read >= target))
    }

    fn is_at_target(&mut self) -> bool {
        if !self.has_read_all() {
            return false;
        }
        self.flow.flush();
        let mine = self.flow.is_clear()
            && !self.flow.slices.values().any(Slice::is_draining)
            && self.in_flight.is_empty()
            && self.letters.is_empty();
        if !mine || !self.replays.is_clear() || !self.reloads.is_empty() {
            return false;
        }
        // What others share in is not handled before they have.
        let others = self.membership.as_ref().map(|membership| membership.others);
        others.is_none_or(|others| others.zip(self.target).is_some_and(|(others, target)| others >= target))
    }

    /// Whether all that is left to do is up to the others who share the slices.
    pub(super) fn waits_for_others(&self) -> bool {
        self.target.is_some() && (self.has_read_all() || self.flow.slices.is_empty())
    }

    /// Takes slices over.
    pub(super) fn add(&mut self, slices: Vec<(u16, Slice)>) {
        if !slices.is_empty() {
            // They may stand before what is being read.
            self.reading = None;
            self.reader = None;
        }
        for (number, slice) in slices {
            self.flow.add(number, slice);
        }
    }

    /// Reads another page, if there is room for it.
    fn read_on(&mut self, now: Instant) {
        if self.reading.is_some() || !self.flow.has_room() || now < self.read_at || self.has_read_all() {
            return;
        }
        let Some(from) = self.flow.read_from() else { return };
        let reader = self.reader.take().filter(|reader| reader.position() <= from);
        let mut reader = reader.unwrap_or_else(|| {
            let setup = self.setup();
            setup.log.reader(from, setup.consumer.filter.clone()).limit(setup.options.page_size)
        });
        self.reading = Some(
            async move {
                let page = reader.next().await;
                (reader, page)
            }
            .boxed(),
        );
    }

    fn take_in(&mut self, page: Result<LogPage<E>>) -> Result<(), ConsumeFailure> {
        let now = instant();
        match page {
            Ok(page) => {
                self.failed_reads = 0;
                self.meter.reaches(page.end());
                let server = self.setup().engine().clock.now();
                self.flow.take_in(page, now, server, &self.meter);
                Ok(())
            }
            Err(error) if error.is_transient() && self.mode == Mode::Supervised => {
                self.failed_reads += 1;
                let delay = self.delay(self.failed_reads);
                tracing::warn!(consumer = self.setup().name(), %error, ?delay, "a consumer's log could not be read");
                crate::metrics::error("consume", &error);
                self.read_at = now + delay;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn delay(&self, attempt: i64) -> std::time::Duration {
        self.setup().options.retry.delay(attempt, self.setup().engine().random.unit())
    }

    fn report(&mut self, now: Instant) {
        if now >= self.report_at {
            self.report_at = now + REPORT;
            self.meter.report(self.flow.handled_up_to(), self.flow.oldest_open(), self.setup().engine().clock.now());
        }
    }

    /// Ends what runs, writes what is not written, and gives the cursors back.
    async fn finish(&mut self) -> Result<()> {
        self.in_flight.clear();
        self.replays.clear();
        self.reading = None;
        let limit = self.setup().lease();
        if let Some(pen) = self.pen.take()
            && let Ok(penned) = timeout(limit, pen).await
        {
            // What it was about is looked up again below.
            let _ = self.penned(penned);
        }
        let slices: Vec<Slice> = self.flow.slices.values().cloned().collect();
        let row = self.membership.as_ref().map(|membership| membership.row.clone());
        let released = timeout(limit, self.books.give_back(slices, row)).await;
        self.over = true;
        released.unwrap_or_else(|_| {
            let what = format!("expected an answer within {limit:?}, found none");
            Err(delta_core::Error::new(delta_core::ErrorKind::Unavailable, "give a consumer's cursor back", what))
        })
    }
}

impl<S: LogStore, E: LogEvent> Drop for Tenure<S, E> {
    /// Whoever drops a run has its cursor written and given back, where there is still a runtime to do that.
    fn drop(&mut self) {
        if !self.over && tokio::runtime::Handle::try_current().is_ok() {
            let books = self.books.clone();
            let slices: Vec<Slice> = mem::take(&mut self.flow.slices).into_values().collect();
            let row = self.membership.take().map(|membership| membership.row);
            let lease = books.setup.lease();
            tasks::spawn(&self.books.setup.engine().tasks, async move {
                if let Ok(Err(error)) = timeout(lease, books.give_back(slices, row)).await {
                    tracing::debug!(consumer = books.setup.name(), %error, "a consumer's cursor could not be given back");
                }
            });
        }
    }
}
