use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use delta::testing::{Fate, Step, Steps};
use delta::{
    Client, Controller, Error, Inform, InformRun, InformSummary, Informed, Key, Object, Result, ScheduleInform,
    Timestamp,
};
use delta_core::Browse;
use delta_store_memory::MemoryStore;

use super::builder::HarnessBuilder;
use super::recorder::Recorder;
use super::time::VirtualTime;
use super::worked::{End, Worked};
use crate::fault::{FaultPlan, FaultStore};

/// How long a store that cannot be reached is left alone before it is asked again, and how often that is done.
const PAUSE: Duration = Duration::from_secs(1);
const TRIES: u32 = 1_000;

/// Runs a controller on a store in memory with a virtual clock, one step at a time. See [the module](super) for whole tests.
///
/// # Guarantees
///
/// - Attempts are made by the code that a started client makes them with: layers, timeouts, panics, heartbeats, back-off.
/// - Nothing happens but what the test asks for. No time passes but in [`advance`](Self::advance),
///   [`advance_to_next`](Self::advance_to_next), while a controller waits for something, and while a store that fails is
///   left alone.
/// - The same seed gives the same history, as long as the controller itself leaves nothing to chance.
///
/// # Assumptions
///
/// It is made and used within tokio's current-thread runtime with a paused clock: `#[tokio::test(start_paused = true)]`.
pub struct Harness<C, S = MemoryStore> {
    client: Client<S>,
    pub(super) memory: MemoryStore,
    steps: Steps,
    recorder: Recorder,
    pub(super) time: VirtualTime,
    patience: u32,
    next: Fate,
    controller: PhantomData<fn() -> C>,
}

impl<C, S: fmt::Debug> fmt::Debug for Harness<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("client", &self.client)
            .field("elapsed", &self.time.elapsed())
            .finish_non_exhaustive()
    }
}

impl<C: Controller> Harness<C> {
    /// A harness with nothing but defaults.
    ///
    /// # Panics
    ///
    /// If tokio's clock is not paused, or the kind's name or settings are wrong.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn new(controller: C) -> Self {
        match Self::builder(controller).build().await {
            Ok(harness) => harness,
            Err(error) => panic!("expected a controller that a client can be built with, found: {error}"),
        }
    }

    /// Begins a harness.
    ///
    /// # Panics
    ///
    /// If tokio's clock is not paused.
    #[track_caller]
    pub fn builder(controller: C) -> HarnessBuilder<C> {
        HarnessBuilder::new(controller, |memory| memory)
    }
}

impl<C: Controller> Harness<C, FaultStore<MemoryStore>> {
    /// Begins a harness whose store fails as `plan` says: for controllers that use the client, or their own transactions.
    ///
    /// The harness itself asks again once a second of virtual time, as a started client would. What it
    /// [reads](Self::state) for the test does not fail.
    ///
    /// # Panics
    ///
    /// If tokio's clock is not paused.
    #[track_caller]
    pub fn with_faults(controller: C, plan: FaultPlan) -> HarnessBuilder<C, FaultStore<MemoryStore>> {
        HarnessBuilder::new(controller, |memory| FaultStore::new(memory, plan))
    }
}

impl<C: Controller, S: Browse> Harness<C, S> {
    pub(super) fn assemble(
        client: Client<S>,
        memory: MemoryStore,
        steps: Steps,
        recorder: Recorder,
        time: VirtualTime,
        patience: u32,
    ) -> Self {
        Self { client, memory, steps, recorder, time, patience, next: Fate::Settle, controller: PhantomData }
    }

    /// The client: for requests, and for whatever the harness has no short form of.
    #[must_use]
    pub fn client(&self) -> &Client<S> {
        &self.client
    }

    /// The database's time. Every harness begins at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// How much virtual time has passed since the harness was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.time.elapsed()
    }

    /// Informs an object.
    ///
    /// # Panics
    ///
    /// If that fails: [`client`](Self::client)`().inform` returns the error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves all of it or nothing.
    pub async fn inform(&mut self, object: impl Into<Inform<C::Object>>) -> Informed {
        match self.client.inform(object).await {
            Ok(informed) => informed,
            Err(error) => panic!("expected to inform an object, found: {error}"),
        }
    }

    /// Runs the controller's informer here, to its end; a request's own [`InformRun`] does not matter.
    ///
    /// # Errors
    ///
    /// Those of [`schedule_inform`](delta::AnyClient::schedule_inform) in the foreground: what the informer says, too.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the run; what it has informed stays.
    pub async fn run_informer(&mut self, request: ScheduleInform) -> Result<InformSummary> {
        let kind = <C::Object as Object>::KIND;
        let summary = self.client.schedule_inform(kind, request.run(InformRun::Foreground)).await?;
        Ok(summary.unwrap_or_default())
    }

    /// Works the next due resource, by turn of its lane, then priority, then age. `None` if none is due.
    ///
    /// # Panics
    ///
    /// If the store does not answer, however often it is asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future in the middle is what a crash in the middle of the work is: the resource stays pending until its
    /// lease is over and [`maintain`](Self::maintain) rescues it.
    pub async fn work_one(&mut self) -> Option<Worked> {
        let fate = std::mem::replace(&mut self.next, Fate::Settle);
        let mut tries = 0;
        let step = loop {
            match self.steps.work_one(fate).await {
                Ok(step) => break step,
                Err(error) => self.wait_for_store("claim", &error, &mut tries).await,
            }
        };
        if step.is_none() {
            // Nobody has crashed yet.
            self.next = fate;
        }
        let Step { key, generation, attempt, settled } = step?;
        let state = self.record(&key).map(|row| row.state).filter(|_| settled);
        Some(Worked { key, generation, attempt, end: state.map_or(End::Lost, End::Settled) })
    }

    /// Works everything that is due, and everything that becomes due by that, until nothing is. What waits for a later
    /// time goes on waiting.
    ///
    /// # Panics
    ///
    /// If that takes more attempts than [`patience`](HarnessBuilder::patience) allows: a controller that answers
    /// `Snooze(Duration::ZERO)`, or informs one object more with every attempt, never comes to rest.
    ///
    /// # Cancel safety
    ///
    /// As [`work_one`](Self::work_one).
    pub async fn run_until_idle(&mut self) -> Vec<Worked> {
        let mut worked = Vec::new();
        while let Some(one) = self.work_one().await {
            worked.push(one);
            assert!(worked.len() <= self.patience as usize, "{}", self.never_idle(&worked));
        }
        worked
    }

    /// Lets virtual time pass. Timers on the way go off, each at its own moment; nothing is worked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the clock where it is by then.
    pub async fn advance(&mut self, time: Duration) {
        self.time.pass(time).await;
    }

    /// Lets time pass until a resource that waits is due, and says how long that was; `None` if none waits. What is pending
    /// or paused does not count.
    ///
    /// # Panics
    ///
    /// If the store does not answer, however often it is asked.
    ///
    /// # Cancel safety
    ///
    /// As [`advance`](Self::advance).
    pub async fn advance_to_next(&mut self) -> Option<Duration> {
        let mut tries = 0;
        let due = loop {
            match self.steps.next_due().await {
                Ok(due) => break due?,
                Err(error) => self.wait_for_store("look for what is due", &error, &mut tries).await,
            }
        };
        let time = due.since(self.now());
        self.time.pass(time).await;
        Some(time)
    }

    /// Takes each of the leader's steps once: rescues what was lost with its lease, expires what was synced too long ago,
    /// purges what is past its retention.
    ///
    /// # Panics
    ///
    /// If the store does not answer, however often it is asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the steps that it has taken.
    pub async fn maintain(&mut self) {
        let mut tries = 0;
        while let Err(error) = self.steps.maintain().await {
            self.wait_for_store("maintain", &error, &mut tries).await;
        }
    }

    /// Has the next attempt's answer be lost: the controller is called, and does what it does outside; then it is as if the
    /// process had died before the answer was stored. The resource stays pending. Once its lease is over (a minute, unless
    /// the client's settings say otherwise), [`maintain`](Self::maintain) rescues it, and it is worked again.
    ///
    /// What the controller did outside is then done twice, unless it uses the idempotency key.
    pub fn crash_next(&mut self) {
        self.next = Fate::Crash;
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    async fn wait_for_store(&self, what: &str, error: &Error, tries: &mut u32) {
        *tries += 1;
        assert!(error.is_transient() && *tries < TRIES, "expected the store to {what}, found: {error}");
        self.time.pass(PAUSE).await;
    }

    fn never_idle(&self, worked: &[Worked]) -> String {
        let mut times: BTreeMap<&Key, usize> = BTreeMap::new();
        for worked in worked {
            *times.entry(&worked.key).or_default() += 1;
        }
        let most = times.iter().max_by_key(|(_, times)| **times);
        let found = most.map_or_else(String::new, |(key, times)| {
            let calls = self.calls();
            let answer = calls.iter().rev().find(|call| call.key == **key).map(|call| &call.answer);
            format!("{key} worked {times} times, with the last answer {answer:?}")
        });
        let (patience, resources) = (self.patience, times.len());
        format!("expected nothing to be due after {patience} attempts, found more, of {resources} resources: {found}")
    }
}
