use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delta_core::{Error, ErrorKind, LogEvent, LogPage, Position, Result};
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::log::bell::{Bell, Hearer};
use crate::log::gaps::GapListeners;
use crate::log::held::Held;
use crate::log::source::{Limits, Source};
use crate::log::tail;
use crate::log::window::{Last, Place, Slice, Window};
use crate::{metrics, tasks};

/// The head of a log, as the readers of one client share it.
///
/// While anybody reads there, one task reads for all of them (`tail`), into a window. Who is behind the window, or where
/// there is none, reads for itself.
pub(crate) struct Head<E: LogEvent> {
    pub(super) engine: Arc<Engine>,
    pub(super) source: Arc<dyn Source<E>>,
    pub(super) limits: Limits,
    /// Rung when readers are told.
    pub(super) told: Bell,
    pub(super) held: Arc<Held>,
    pub(super) gaps: Arc<GapListeners>,
    /// Rung when the window changes.
    moved: Bell,
    /// What the tail waits for besides events: readers that come, go or want more.
    pub(super) demand: Notify,
    state: Mutex<State<E>>,
}

struct State<E: LogEvent> {
    window: Option<Window<E>>,
    /// Which window it is: what was read for one before it does not belong into it.
    life: u64,
    /// Which task is the tail: one before it ends.
    tail: u64,
    seats: usize,
    /// Whether a reader knows of more than the tail does.
    nudged: bool,
    failure: Failure,
}

/// The last error of the tail. Each reader gets it once.
#[derive(Clone, Default)]
struct Failure {
    number: u64,
    error: Option<Arc<Error>>,
}

/// What a reader at a position does next.
pub(super) enum Step<E> {
    /// Takes this.
    Take(Slice<E>),
    /// Waits until the window moves.
    Wait,
    /// Reads by itself.
    Alone,
    /// Reports that the tail could not read.
    Fail(Error),
}

/// What the tail does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appetite {
    /// Nobody is there any more.
    Gone,
    /// Nobody has taken what was read last.
    Full,
    /// Reads at once.
    More,
    /// Reads when something is appended.
    New,
}

impl<E: LogEvent> Head<E> {
    pub(super) fn new(engine: Arc<Engine>, source: Arc<dyn Source<E>>) -> Self {
        let (limits, name) = (source.limits(), source.name().clone());
        let state = State { window: None, life: 0, tail: 0, seats: 0, nudged: false, failure: Failure::default() };
        Self {
            told: engine.logs.told(&name),
            held: engine.logs.held(&name),
            gaps: Arc::new(GapListeners::new(name)),
            engine,
            source,
            limits,
            moved: Bell::default(),
            demand: Notify::new(),
            state: Mutex::new(state),
        }
    }

    /// Reads for one reader, or for all.
    pub(super) async fn read(&self, after: Position, limit: u32, filter: &E::Filter) -> Result<LogPage<E>> {
        metrics::log_poll(self.source.name());
        self.source.read(after, limit, filter).await
    }

    /// Notes what a read has found at the head: a gap, or what is held back. Asks who holds it back where that lasts.
    pub(super) async fn note(&self, found: Last) {
        self.gaps.found(found.gap);
        let name = self.source.name();
        if self.held.looked(name, found.head, found.held_back) {
            match self.source.holders().await {
                Ok(holders) => self.held.report(name, &holders),
                Err(error) => tracing::debug!(log = %name, %error, "could not ask who holds the log's readers back"),
            }
        }
    }

    /// What a reader that stands after a position does next.
    pub(super) fn step(
        self: &Arc<Self>,
        after: Position,
        limit: usize,
        seat: &mut Option<Seat<E>>,
        seen: &mut u64,
    ) -> Step<E> {
        let mut state = self.state();
        let Some(window) = &mut state.window else { return alone(state, seat) };
        let place = window.place(after, limit);
        if let Place::Outside = place {
            return alone(state, seat);
        }
        let further = window.reached(after);
        self.seat(&mut state, seat);
        let failure = state.failure.clone();
        drop(state);
        if further {
            self.demand.notify_one();
        }
        match place {
            Place::Within(slice) => Step::Take(slice),
            _ => match failure.unseen(seen) {
                Some(error) => Step::Fail(error),
                None => Step::Wait,
            },
        }
    }

    /// Has a reader take part that has read by itself and found nothing after a position, and the head there. It then
    /// waits for the window to move.
    pub(super) fn join(self: &Arc<Self>, after: Position, head: Position, seat: &mut Option<Seat<E>>) {
        let at = after.min(head);
        let mut state = self.state();
        self.seat(&mut state, seat);
        match &state.window {
            None => return self.start(&mut state, Window::at(at, true)),
            Some(window) if at > window.to() && window.last().at_head => {}
            Some(window) if at > window.to() || at < window.from() => {
                state.window = Some(Window::at(at, true));
                state.life += 1;
            }
            Some(_) => return,
        }
        // What was told between the reader's read and the tail's last one is not told again.
        state.nudged = true;
        drop(state);
        self.demand.notify_one();
        self.moved.ring();
    }

    /// Begins the window at a position that nobody has looked at yet, if there is none.
    pub(super) fn begin(self: &Arc<Self>, after: Position, seat: &mut Option<Seat<E>>) {
        let mut state = self.state();
        if state.window.is_none() {
            self.seat(&mut state, seat);
            self.start(&mut state, Window::at(after, false));
        }
    }

    fn start(self: &Arc<Self>, state: &mut State<E>, window: Window<E>) {
        state.window = Some(window);
        state.life += 1;
        state.tail += 1;
        tasks::spawn(&self.engine.logs.tasks, tail::run(self.clone(), state.tail));
    }

    /// Counts a reader that waits at the head without a tail.
    pub(super) fn sit(self: &Arc<Self>, seat: &mut Option<Seat<E>>) {
        self.seat(&mut self.state(), seat);
    }

    fn seat(self: &Arc<Self>, state: &mut State<E>, seat: &mut Option<Seat<E>>) {
        if seat.is_none() {
            state.seats += 1;
            *seat = Some(Seat(self.clone()));
        }
    }

    /// How many errors the tail has had.
    pub(super) fn failures(&self) -> u64 {
        self.state().failure.number
    }

    /// Rung when the window changes.
    pub(super) fn moved(&self) -> Hearer {
        self.moved.hearer()
    }

    /// Where a tail reads next, and for which window; `None` if it is over.
    pub(super) fn next_read(&self, tail: u64) -> Option<(u64, Position)> {
        let mut state = self.state();
        if state.tail != tail {
            return None;
        }
        state.nudged = false;
        Some((state.life, state.window.as_ref()?.to()))
    }

    /// Whether a tail is to read on.
    pub(super) fn appetite(&self, tail: u64) -> Appetite {
        let page = usize::try_from(self.limits.page).unwrap_or(usize::MAX);
        let mut state = self.state();
        if state.tail != tail {
            return Appetite::Gone;
        }
        if state.seats == 0 {
            state.window = None;
        }
        match &state.window {
            None => Appetite::Gone,
            Some(window) if window.unread(page) >= page => Appetite::Full,
            Some(window) if window.last().at_head && !state.nudged => Appetite::New,
            Some(_) => Appetite::More,
        }
    }

    /// Takes over what was read for a window.
    pub(super) fn append(&self, life: u64, page: LogPage<E>) {
        let mut state = self.state();
        if state.life == life
            && let Some(window) = &mut state.window
            && window.append(page, self.limits.cache)
        {
            drop(state);
            self.moved.ring();
        }
    }

    /// Tells the readers that the tail could not read.
    pub(super) fn fail(&self, error: Error) {
        let mut state = self.state();
        // Whether that is about what a reader has yet to read, only its own read can tell.
        if error.kind() == ErrorKind::CursorTooOld {
            state.window = None;
        } else {
            state.failure.number += 1;
            state.failure.error = Some(Arc::new(error));
        }
        drop(state);
        self.moved.ring();
    }

    /// A tail has ended, whatever the reason: readers go on by themselves.
    pub(super) fn ended(&self, tail: u64) {
        let mut state = self.state();
        if state.tail == tail {
            state.window = None;
        }
        drop(state);
        self.held.end(self.source.name());
        self.moved.ring();
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has a reader give up its seat, and read by itself.
fn alone<E: LogEvent>(state: MutexGuard<'_, State<E>>, seat: &mut Option<Seat<E>>) -> Step<E> {
    // A seat that is given up takes the lock itself.
    drop(state);
    *seat = None;
    Step::Alone
}

impl Failure {
    /// The error, if the reader has not seen it yet.
    fn unseen(&self, seen: &mut u64) -> Option<Error> {
        let error = self.error.as_ref().filter(|_| self.number > *seen)?;
        *seen = self.number;
        let text = error.to_string();
        let prefix = format!("{}: {}: ", error.operation(), error.kind());
        let cause = text.strip_prefix(&prefix).unwrap_or(&text).to_owned();
        Some(Error::new(error.kind(), error.operation().to_owned(), cause))
    }
}

/// A reader's place among those at the head.
pub(super) struct Seat<E: LogEvent>(Arc<Head<E>>);

impl<E: LogEvent> Drop for Seat<E> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.seats -= 1;
        let deserted = state.seats == 0;
        drop(state);
        if deserted {
            self.0.held.end(self.0.source.name());
            self.0.demand.notify_one();
        }
    }
}
