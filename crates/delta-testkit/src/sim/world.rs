use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delta_core::{Event, Resource, ResourceId, Timestamp};
use delta_store_memory::MemoryStore;

use super::chance::{Chance, Draw};
use super::fault::{CLOCK, FaultId, FaultRates};
use super::mutation::{Mutation, Sight};
use super::observer::{Look, Observer};
use crate::harness::VirtualTime;
use crate::history::{Actor, Entry, History, What};

/// How many store calls a world may make; more are made only if something spins.
const MOST_OPERATIONS: u64 = 100_000;

/// One simulated world: its database, its time, its chance, and what has happened in it. Clones are one world.
#[derive(Clone)]
pub struct Sim(Arc<World>);

struct World {
    chance: Chance,
    time: VirtualTime,
    memory: MemoryStore,
    rates: FaultRates,
    allowed: Option<BTreeSet<FaultId>>,
    mutation: Option<Arc<dyn Mutation>>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    history: History,
    observer: Observer,
    /// How far the database's clock has jumped, in microseconds.
    jumped: i64,
    calm: bool,
    counts: BTreeMap<(Actor, String), u64>,
    hits: Vec<FaultId>,
    operations: u64,
}

/// Which faults a world has.
#[derive(Clone, Default)]
pub(super) struct Weather {
    pub(super) rates: FaultRates,
    /// Only these; all that the seed gives if `None`.
    pub(super) allowed: Option<BTreeSet<FaultId>>,
    pub(super) mutation: Option<Arc<dyn Mutation>>,
}

impl Sim {
    /// Makes a world, at 2026-01-01T00:00:00Z. Within tokio's paused clock.
    pub(super) async fn begin(seed: u64, weather: Weather) -> Self {
        let time = VirtualTime::new();
        time.begin().await;
        let state: Arc<Mutex<State>> = Arc::default();
        let (clock, jumps) = (time.clone(), Arc::clone(&state));
        let memory = MemoryStore::with_clock(move || at(&clock, locked(&jumps).jumped));
        let Weather { rates, allowed, mutation } = weather;
        Self(Arc::new(World { chance: Chance::new(seed), time, memory, rates, allowed, mutation, state }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.0.state)
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.chance.seed()
    }

    /// The database's true time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let jumped = self.state().jumped;
        at(&self.0.time, jumped)
    }

    /// How long the world has been there.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.time.elapsed()
    }

    /// The next draw that `who` makes for `what`: the same in every run of the seed.
    #[must_use]
    pub fn draw(&self, who: &Actor, what: &str) -> Draw {
        let number = self.count(who, what);
        self.0.chance.draw(who.as_str(), what, number)
    }

    /// Everything that follows from the seed.
    pub(super) fn chance(&self) -> Chance {
        self.0.chance
    }

    /// How often this was asked before.
    pub(super) fn count(&self, who: &Actor, what: &str) -> u64 {
        let mut state = self.state();
        let count = state.counts.entry((who.clone(), what.to_owned())).or_insert(0);
        *count += 1;
        *count
    }

    /// Whether no fault happens any more: what a fake of the outside does must succeed from here on.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.state().calm
    }

    /// Adds to the history.
    pub fn record(&self, actor: &Actor, what: What) {
        let at = self.now();
        self.state().history.push(Entry { at, actor: actor.clone(), what });
    }

    pub(super) fn calm(&self) {
        self.record(&Actor::new("world"), What::Calm);
        self.state().calm = true;
    }

    pub(super) fn jump(&self, micros: i64) {
        let what = format!("the database's clock jumps by {} ms", micros / 1_000);
        let world = Actor::new("world");
        self.record(&world, What::Fault { kind: CLOCK.to_owned(), what });
        self.record(&world, What::ClockSet(micros));
        self.state().jumped += micros;
    }

    pub(super) fn memory(&self) -> &MemoryStore {
        &self.0.memory
    }

    pub(super) fn rates(&self) -> &FaultRates {
        &self.0.rates
    }

    pub(super) fn mutation(&self) -> Option<&dyn Mutation> {
        self.0.mutation.as_deref()
    }

    /// Whether a fault that the seed gives happens in this run; notes it if so.
    pub(super) fn hits(&self, id: FaultId) -> bool {
        let mut state = self.state();
        if state.calm || self.0.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&id)) {
            return false;
        }
        state.hits.push(id);
        true
    }

    /// Records what has changed in the database since the last look, as done by `actor`.
    pub(super) fn observe(&self, actor: &Actor, look: Look) {
        let at = self.now();
        let mut seen = self.state().observer.look(&self.0.memory, look);
        if let Some(mutation) = self.mutation() {
            reordered(&mut seen, |events| mutation.appended(&Sight::new(self, actor), events));
        }
        let mut state = self.state();
        for what in seen {
            state.history.push(Entry { at, actor: actor.clone(), what });
        }
    }

    /// Counts a store call; says whether the world still has so many left.
    pub(super) fn operation(&self) -> bool {
        let mut state = self.state();
        state.operations += 1;
        state.operations <= MOST_OPERATIONS
    }

    /// Whether the world made more store calls than it may.
    pub(super) fn spins(&self) -> bool {
        self.operations() > MOST_OPERATIONS
    }

    pub(super) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// A row as it was with the generation before this one, if that was seen.
    pub(super) fn earlier(&self, id: ResourceId, generation: i64) -> Option<Resource> {
        let state = self.state();
        state.history.entries().iter().rev().find_map(|entry| match &entry.what {
            What::Row { before: Some(row), .. } if row.id == id && row.generation < generation => Some((**row).clone()),
            _ => None,
        })
    }

    /// What happened, and which faults did.
    pub(super) fn end(&self) -> (History, Vec<FaultId>) {
        let mut state = self.state();
        (std::mem::take(&mut state.history), std::mem::take(&mut state.hits))
    }
}

/// Lets a mutation have its way with the events among what was seen.
fn reordered(seen: &mut [What], mutate: impl FnOnce(&mut [Event])) {
    let is_event = |what: &&mut What| matches!(what, What::Appended(_));
    let mut places: Vec<_> = seen.iter_mut().filter(is_event).collect();
    let mut events: Vec<Event> = places
        .iter()
        .filter_map(|what| if let What::Appended(event) = what { Some((**event).clone()) } else { None })
        .collect();
    mutate(&mut events);
    for (place, event) in places.iter_mut().zip(events) {
        **place = What::Appended(Box::new(event));
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn at(time: &VirtualTime, jumped: i64) -> Timestamp {
    let jump = Duration::from_micros(jumped.unsigned_abs());
    if jumped < 0 { time.now() - jump } else { time.now() + jump }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("seed", &self.seed()).field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}
