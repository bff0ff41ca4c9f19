use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Backoff, Error, Lane, Name, RetryPolicy as _, WakeUpSignal, Wakeups};
use futures::{FutureExt as _, StreamExt as _};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::{instant, sleep_until};
use crate::executor::Executor;
use crate::executor::alone::Alone;
use crate::executor::attempt::{End, Finished};
use crate::executor::in_flight::Ending;
use crate::executor::settle::Pending;
use crate::executor::slots::Slots;
use crate::metrics;

/// How many resources one round settles, and how many it claims.
pub(crate) const BATCH: usize = 1_000;
/// How long the first finished attempt waits for others to be settled with.
const GATHER: Duration = Duration::from_millis(3);
/// For how long a stop tries to settle what was given back after the grace time.
const FLUSH: Duration = Duration::from_secs(10);
/// How many wake-ups are taken in before a round.
const WAKEUPS: usize = 1_000;
/// The longest wait after an error of the store.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Settles what is finished and claims what is free, in rounds.
///
/// It goes round when a wake-up says that there is work, when the poll is due, when half of what is in flight is finished,
/// or a moment after the first of it finished: so batches are of one when it is idle, and grow by themselves when it is busy.
pub(crate) struct Pump {
    pub(super) executor: Arc<Executor>,
    pub(super) slots: Slots,
    /// Finished, and not yet settled.
    pub(super) reports: VecDeque<Pending>,
    pub(super) alone: Alone,
    /// Whether to ask which lanes have something to claim.
    pub(super) look: bool,
    /// Whether to go round at once.
    pub(super) again: bool,
    pub(super) stage: Stage,
    /// Whether it was told that the clock is too uncertain to claim by.
    pub(super) uncertain: bool,
    finished: mpsc::UnboundedReceiver<Finished>,
    wakeups: Option<Wakeups>,
    first_report: Option<Instant>,
    poll_at: Instant,
    failures: u32,
    wait_until: Option<Instant>,
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Working,
    /// Claims nothing; what runs may end by itself until then.
    Stopping(Instant),
    /// What ran was ended; settles until then.
    Ending(Instant),
}

impl Pump {
    pub(crate) fn new(
        executor: Arc<Executor>,
        finished: mpsc::UnboundedReceiver<Finished>,
        wakeups: Option<Wakeups>,
    ) -> Self {
        let kinds = executor.engine.kinds.values().map(|kind| (kind.name.clone(), kind.settings.parallelism));
        Self {
            slots: Slots::new(kinds),
            reports: VecDeque::new(),
            alone: Alone::default(),
            look: true,
            again: true,
            stage: Stage::Working,
            uncertain: false,
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
        let _ended = Ended(self.executor.clone());
        while self.wait().await == Next::Go {
            self.go().await;
        }
        let left = self.reports.len() + self.alone.len();
        if left > 0 {
            tracing::warn!(attempts = left, "stopped before all was settled: left to the end of the leases");
        }
        self.executor.held.close().await;
    }

    /// Waits until there is a reason to go round.
    async fn wait(&mut self) -> Next {
        let executor = self.executor.clone();
        loop {
            self.take_what_is_ready();
            let now = instant();
            let stop_at = match self.stage {
                Stage::Working => None,
                Stage::Stopping(until) | Stage::Ending(until) => Some(until),
            };
            if self.is_drained() || (matches!(self.stage, Stage::Ending(_)) && stop_at.is_some_and(|at| at <= now)) {
                return Next::End;
            }
            if stop_at.is_some_and(|at| at <= now) {
                // The grace time is over.
                executor.stop.hard.cancel();
            }
            let due = self.due();
            if due.is_some_and(|due| due <= now) {
                return Next::Go;
            }
            let wake_at = [due, stop_at].into_iter().flatten().min();
            let working = self.stage == Stage::Working;
            let ending = matches!(self.stage, Stage::Ending(_));
            select! {
                biased;
                () = executor.stop.hard.cancelled(), if !ending => self.end_all(),
                () = executor.stop.soft.cancelled(), if working => self.begin_to_stop(),
                Some(finished) = self.finished.recv() => self.take(finished),
                lanes = executor.engine.wakes.own(), if working => self.wake(lanes),
                signal = next(&mut self.wakeups), if working => self.signal(signal),
                () = until(wake_at) => {}
            }
        }
    }

    fn take_what_is_ready(&mut self) {
        while let Ok(finished) = self.finished.try_recv() {
            self.take(finished);
        }
        for _ in 0..WAKEUPS {
            let Some(signal) = next(&mut self.wakeups).now_or_never() else { break };
            self.signal(signal);
        }
    }

    /// When to go round; never, if nothing but a report can be a reason.
    fn due(&self) -> Option<Instant> {
        let now = instant();
        let working = self.stage == Stage::Working;
        let poll = working.then_some(if self.again { now } else { self.poll_at });
        let in_flight = self.slots.running() as usize + self.reports.len();
        let report = self.first_report.map(|first| {
            let enough = self.reports.len() * 2 >= in_flight || self.reports.len() >= BATCH;
            if enough || !working { now } else { first + GATHER }
        });
        let round = [poll, report].into_iter().flatten().min();
        let round = round.map(|at| self.wait_until.map_or(at, |wait| at.max(wait)));
        [round, self.alone.due()].into_iter().flatten().min()
    }

    async fn go(&mut self) {
        let now = instant();
        if self.alone.due().is_some_and(|due| due <= now) {
            self.settle_alone().await;
        }
        if self.wait_until.is_some_and(|wait| wait > now) {
            return;
        }
        if self.poll_at <= now {
            self.look = true;
            let interval = self.executor.engine.settings.poll_interval;
            self.poll_at = now + interval - self.executor.engine.random.up_to(interval / 10);
        }
        self.again = false;
        let done = self.round().await;
        self.first_report = (!self.reports.is_empty()).then(instant);
        match done {
            Ok(()) => {
                self.failures = 0;
                self.wait_until = None;
            }
            Err(error) => self.back_off(&error),
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
            false if self.stage == Stage::Working => LONGEST_WAIT,
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
            Some(WakeUpSignal::Lane(lane)) => self.wake([lane]),
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
        self.stage == Stage::Working && self.slots.has_room(|namespace| self.max_workers(namespace))
    }

    pub(super) fn max_workers(&self, namespace: &Name) -> u32 {
        self.executor.engine.namespace_settings(namespace).max_workers
    }

    fn begin_to_stop(&mut self) {
        self.stage = Stage::Stopping(instant() + self.executor.engine.settings.grace);
    }

    fn end_all(&mut self) {
        self.stage = Stage::Ending(instant() + FLUSH);
        self.wait_until = None;
        self.executor.in_flight.end_all(Ending::Stopped);
    }

    fn is_drained(&self) -> bool {
        self.stage != Stage::Working && self.slots.running() == 0 && self.reports.is_empty() && self.alone.is_empty()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    End,
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
