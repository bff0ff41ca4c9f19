use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use delta_core::plan::Report;
use delta_core::{Backoff, Error, Lane, Name, Resource, RetryPolicy as _, WakeUpSignal, Wakeups};
use futures::{FutureExt as _, StreamExt as _};
use tokio::select;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::clock::{instant, sleep, sleep_until};
use crate::executor::ahead::Ahead;
use crate::executor::alone::Alone;
use crate::executor::attempt::{End, Finished, settlement};
use crate::executor::in_flight::Ending;
use crate::executor::later::Later;
use crate::executor::lines::{Line, Lines};
use crate::executor::settle::Pending;
use crate::executor::slots::Slots;
use crate::executor::waiting::{Queued, Waiting};
use crate::executor::{Executor, attempt};
use crate::{metrics, tasks};

/// How many resources one round settles at most, and how many are claimed ahead. It claims as many, or half of that where two
/// rounds may be under way.
pub(crate) const BATCH: usize = 1_000;
/// From how many on a round is worth a second connection: batches of a quarter cost hardly more per resource.
const SHARE: usize = BATCH / 4;
/// How long what is claimed waits for a slot at most, before others may have it.
const LONGEST_QUEUE: Duration = Duration::from_millis(500);
/// How long the first finished attempt waits for others to be settled with.
const GATHER: Duration = Duration::from_millis(3);
/// For how long a stop tries to settle what was given back after the grace time.
const FLUSH: Duration = Duration::from_secs(10);
/// How many wake-ups are taken in before a round.
const WAKEUPS: usize = 1_000;
/// By how much the clock of whoever sent a wake-up may be ahead of this one, at least and at most.
const AHEAD: Duration = Duration::from_millis(5);
const MOST_AHEAD: Duration = Duration::from_millis(500);
/// The longest wait after an error of the store.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Settles what is finished and claims what is free, in rounds.
///
/// It goes round when a wake-up says that there is work, when the poll is due, when half of what is in flight is finished,
/// or a moment after the first of it finished: so batches are of one when it is idle, and grow by themselves when it is busy.
/// Then two rounds are under way at once, so that the database works on one while the workers do on the other.
pub(crate) struct Pump {
    pub(super) executor: Arc<Executor>,
    pub(super) slots: Slots,
    pub(super) ahead: BTreeMap<Name, Ahead>,
    /// Claimed, and waiting for a slot.
    pub(super) waiting: Waiting,
    pub(super) lines: Lines,
    /// Whether the last claim came back full: there is more.
    pub(super) backlog: bool,
    /// Finished, and not yet settled.
    pub(super) reports: VecDeque<Pending>,
    pub(super) alone: Alone,
    pub(super) later: Later,
    /// Whether to ask which lanes have something to claim.
    pub(super) look: bool,
    /// Whether to go round at once.
    pub(super) again: bool,
    pub(super) mode: Mode,
    finished: mpsc::UnboundedReceiver<Finished>,
    wakeups: Option<Wakeups>,
    pub(super) first_report: Option<Instant>,
    poll_at: Instant,
    failures: u32,
    wait_until: Option<Instant>,
}

/// Whether it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Working,
    /// The clock is too uncertain to give leases an end by. That was said.
    Uncertain,
    /// Nothing more is claimed.
    Stopping,
}

impl Pump {
    pub(crate) fn new(
        executor: Arc<Executor>,
        finished: mpsc::UnboundedReceiver<Finished>,
        wakeups: Option<Wakeups>,
    ) -> Self {
        let kinds = executor.engine.kinds.values().map(|kind| (kind.name.clone(), kind.settings.parallelism));
        // A kind whose rate is limited waits for that, not for the database.
        let unlimited = executor.engine.kinds.values().filter(|kind| kind.settings.rate_limit.is_none());
        let ahead = unlimited.map(|kind| (kind.name.clone(), Ahead::new(instant()))).collect();
        Self {
            slots: Slots::new(kinds),
            ahead,
            waiting: Waiting::default(),
            lines: Lines::default(),
            backlog: false,
            reports: VecDeque::new(),
            alone: Alone::default(),
            later: Later::new(instant()),
            look: true,
            again: true,
            mode: Mode::Working,
            finished,
            wakeups,
            first_report: None,
            poll_at: instant(),
            failures: 0,
            wait_until: None,
            executor,
        }
    }

    /// Goes round until the client is stopped and everything is settled.
    pub(crate) async fn run(mut self) {
        let executor = self.executor.clone();
        let _ended = Ended(executor.clone());
        select! {
            biased;
            // First: rounds that are always busy use up what tokio lets a task do at a time, and must not put off the end.
            () = time_is_up(&executor) => {}
            () = self.rounds() => {}
        }
        self.lines.clear();
        let left = executor.in_flight.len();
        if left > 0 {
            tracing::warn!(attempts = left, "stopped before all was settled: left to the end of the leases");
        }
        executor.drained.cancel();
        executor.held.close().await;
    }

    async fn rounds(&mut self) {
        let executor = self.executor.clone();
        loop {
            if self.mode != Mode::Stopping && executor.stop.soft.is_cancelled() {
                self.begin_to_stop();
            }
            self.take_what_is_ready();
            self.start_what_waits();
            if self.mode == Mode::Stopping && self.is_done() {
                return;
            }
            let due = self.due();
            if due.is_some_and(|due| due <= instant()) {
                if !self.more_by_the_moment().await {
                    self.go();
                }
                continue;
            }
            let working = self.mode != Mode::Stopping;
            select! {
                biased;
                () = executor.stop.soft.cancelled(), if working => {}
                arrived = self.lines.next() => self.arrived(arrived),
                Some(finished) = self.finished.recv() => self.take(finished),
                lanes = executor.engine.wakes.own(), if working => self.wake(lanes),
                signal = next(&mut self.wakeups), if working => self.signal(signal),
                () = until(due) => {}
            }
        }
    }

    /// Whether nothing runs, and all is settled.
    fn is_done(&self) -> bool {
        self.slots.running() == 0 && self.reports.is_empty() && self.alone.is_empty() && self.lines.are_idle()
    }

    fn take_what_is_ready(&mut self) {
        while let Ok(finished) = self.finished.try_recv() {
            self.take(finished);
        }
        if let Some(lanes) = self.executor.clone().engine.wakes.own().now_or_never() {
            self.wake(lanes);
        }
        for _ in 0..WAKEUPS {
            let Some(signal) = next(&mut self.wakeups).now_or_never() else { break };
            self.signal(signal);
        }
    }

    /// Lets attempts that need no more than a moment finish, so that they are settled with those that have. Says whether
    /// some did.
    async fn more_by_the_moment(&mut self) -> bool {
        let before = self.reports.len();
        if before == 0 || before >= BATCH || self.slots.running() == 0 {
            return false;
        }
        yield_now().await;
        self.take_what_is_ready();
        self.reports.len() > before
    }

    /// When to go round, or to do something about what waits; never, if nothing but a report can be a reason.
    fn due(&self) -> Option<Instant> {
        let queue = self.waiting.first().map(|since| since + LONGEST_QUEUE);
        let round = if self.lines.is_busy(Line::First) {
            self.is_worth_two().then(instant)
        } else {
            [self.round_due(instant()), self.alone.due()].into_iter().flatten().min()
        };
        [round, queue].into_iter().flatten().min()
    }

    fn round_due(&self, now: Instant) -> Option<Instant> {
        let working = self.mode != Mode::Stopping;
        let poll = working.then_some(if self.again { now } else { self.poll_at });
        let later = self.later.due().filter(|_| working);
        let in_flight = self.slots.claimed() as usize + self.reports.len();
        let report = self.first_report.map(|first| {
            let enough = self.reports.len() * 2 >= in_flight || self.reports.len() >= BATCH;
            if enough || !working { now } else { first + GATHER }
        });
        let round = [poll, later, report].into_iter().flatten().min();
        round.map(|at| self.wait_until.map_or(at, |wait| at.max(wait)))
    }

    /// Whether there is enough to do for another round beside the one that is under way.
    fn is_worth_two(&self) -> bool {
        self.executor.held.has_several()
            && !self.lines.is_busy(Line::Second)
            && self.wait_until.is_none()
            && (self.reports.len() >= SHARE || (self.backlog && self.has_room()))
    }

    fn go(&mut self) {
        let now = instant();
        self.give_back_what_waited(now);
        if !self.lines.is_busy(Line::First) {
            if self.alone.due().is_some_and(|due| due <= now) {
                return self.settle_alone();
            }
            if self.round_due(now).is_some_and(|due| due <= now) {
                self.go_first(now);
            }
        } else if self.is_worth_two() {
            self.begin_round(Line::Second);
        }
    }

    fn go_first(&mut self, now: Instant) {
        if self.poll_at <= now {
            self.look = true;
            let interval = self.executor.engine.settings.poll_interval;
            self.poll_at = now + interval - self.executor.engine.random.up_to(interval / 10);
        }
        for lane in self.later.take_due(now) {
            self.slots.activate(lane);
        }
        self.again = false;
        self.begin_round(Line::First);
    }

    /// Lets a kind be claimed ahead of by as much as its workers are quick.
    pub(super) fn look_ahead(&mut self) {
        let (now, most) = (instant(), u32::try_from(BATCH).unwrap_or(u32::MAX));
        for (kind, ahead) in &mut self.ahead {
            self.slots.set_ahead(kind, ahead.get(now).min(most));
        }
    }

    /// Begins attempts at what waits, as far as slots are free.
    fn start_what_waits(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let executor = self.executor.clone();
        let engine = &executor.engine;
        let slots = &mut self.slots;
        let may_begin = |lane: &Lane| slots.begin(lane, |namespace| engine.namespace_settings(namespace).max_workers);
        for Queued { row, ending, .. } in self.waiting.take(may_begin) {
            let Some(kind) = engine.kinds.get(&row.key.kind) else { continue };
            tasks::spawn(&executor.stop.tasks, attempt::run(executor.clone(), kind.clone(), row, ending));
        }
    }

    /// Gives back what has waited for too long: its workers have become slow, and others may have time.
    fn give_back_what_waited(&mut self, now: Instant) {
        let Some(since) = now.checked_sub(LONGEST_QUEUE) else { return };
        for Queued { row, .. } in self.waiting.take_since(since) {
            self.give_back(&row);
        }
    }

    /// Reports a claimed resource whose attempt has not begun, and will not.
    pub(super) fn give_back(&mut self, row: &Resource) {
        self.slots.release(&row.key.lane(), 1);
        let Some((kind, lease)) = self.executor.engine.kinds.get(&row.key.kind).zip(row.lease) else { return };
        let end = settlement(&self.executor, kind, row, &Report::Released(Duration::ZERO));
        let finished = Finished { id: row.id, token: lease.token, key: row.key.clone(), end };
        self.first_report.get_or_insert_with(instant);
        self.reports.push_back(Pending { finished, repeated: false });
    }

    /// Notes that a round has come to its end.
    pub(super) fn went_round(&mut self, line: Line, error: Option<&Error>) {
        self.lines.end(line);
        match error {
            None => {
                self.failures = 0;
                self.wait_until = None;
            }
            Some(error) => self.back_off(error),
        }
        metrics::in_flight(self.executor.in_flight.len());
    }

    /// Waits after an error, longer each time. It is never given up: even what looks final may be a failover.
    fn back_off(&mut self, error: &Error) {
        metrics::error("pump", error);
        self.failures = self.failures.saturating_add(1);
        self.again = true;
        let engine = &self.executor.engine;
        let cap = engine.settings.poll_interval.clamp(Duration::from_millis(100), LONGEST_WAIT);
        let backoff = Backoff::new(Duration::from_millis(20), cap);
        let wait = match error.is_transient() {
            true => backoff.delay(i64::from(self.failures), 0.5 + engine.random.unit() / 2.0),
            false if self.mode != Mode::Stopping => LONGEST_WAIT,
            false => cap,
        };
        self.wait_until = Some(instant() + wait);
        let (failures, reports) = (self.failures, self.reports.len());
        if error.is_transient() {
            tracing::warn!(%error, failures, reports, ?wait, "could not settle and claim: tried again");
        } else {
            tracing::error!(%error, failures, reports, ?wait, "could not settle and claim: tried again");
        }
    }

    fn take(&mut self, finished: Finished) {
        self.slots.end(&finished.key.lane());
        if let Some(ahead) = self.ahead.get_mut(&finished.key.kind) {
            ahead.finished(instant());
        }
        if matches!(finished.end, End::Lost) {
            self.executor.in_flight.forget([finished.token]);
            self.again |= self.has_room();
            return;
        }
        self.first_report.get_or_insert_with(instant);
        self.reports.push_back(Pending { finished, repeated: false });
    }

    fn wake(&mut self, lanes: impl IntoIterator<Item = Lane>) {
        for lane in lanes {
            if self.executor.engine.worked.contains(&lane.namespace) {
                self.slots.activate(lane);
            }
        }
        self.again |= self.has_room();
    }

    fn signal(&mut self, signal: Option<WakeUpSignal>) {
        match signal {
            Some(WakeUpSignal::Lane(lane)) => {
                // By the clock of whoever scheduled it, which may be ahead of this one, it may be due a little later.
                let ahead = self.executor.engine.clock.uncertainty().saturating_mul(2).clamp(AHEAD, MOST_AHEAD);
                if self.executor.engine.worked.contains(&lane.namespace) {
                    self.later.add(lane.clone(), instant() + ahead);
                }
                self.wake([lane]);
            }
            // For readers of the log.
            Some(WakeUpSignal::Log(_)) => {}
            Some(WakeUpSignal::All) => {
                self.look = true;
                self.again |= self.slots.any_free();
            }
            None => {
                tracing::error!("the store's wake-ups have ended: polling only");
                self.wakeups = None;
            }
        }
    }

    /// Whether a lane that may have work has a slot free.
    pub(super) fn has_room(&self) -> bool {
        self.mode == Mode::Working && self.slots.has_room(|namespace| self.max_workers(namespace))
    }

    pub(super) fn max_workers(&self, namespace: &Name) -> u32 {
        self.executor.engine.namespace_settings(namespace).max_workers
    }

    fn begin_to_stop(&mut self) {
        self.mode = Mode::Stopping;
        self.wait_until = None;
        for Queued { row, .. } in self.waiting.take_since(instant()) {
            self.give_back(&row);
        }
    }
}

/// Ends what runs once the grace time of a stop is over, and then is done once the time to settle that is over too.
async fn time_is_up(executor: &Executor) {
    executor.stop.soft.cancelled().await;
    select! {
        biased;
        () = executor.stop.hard.cancelled() => {}
        () = sleep(executor.engine.settings.grace) => executor.stop.hard.cancel(),
    }
    executor.in_flight.end_all(Ending::Stopped);
    sleep(FLUSH).await;
}

/// The next wake-up; `None` once they have ended, and never if there are none.
async fn next(wakeups: &mut Option<Wakeups>) -> Option<WakeUpSignal> {
    match wakeups {
        Some(wakeups) => wakeups.next().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Tells the other parts that the pump has ended; also if it ended by a panic, which must not go unnoticed.
struct Ended(Arc<Executor>);

impl Drop for Ended {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the pump has panicked: the client stops");
            self.0.stop.soft.cancel();
            self.0.stop.hard.cancel();
        }
        self.0.drained.cancel();
    }
}
