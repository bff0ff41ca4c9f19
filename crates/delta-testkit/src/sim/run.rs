use std::sync::Arc;
use std::time::Duration;

use delta_core::{Access, Browse as _, State, Store as _};

use super::fault::FaultId;
use super::model::Model;
use super::mutation::Mutation;
use super::observer::{Look, read};
use super::process::{PANICKED, Place};
use super::scenario::{Scenario, Step};
use super::store::sleep;
use super::world::{Sim, Weather};
use crate::history::{Actor, History, Last, What};
use crate::invariants::{Invariant, Violation, check};

/// How often a calm world is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often in a row it must be at rest.
const LOOKS: u32 = 4;

/// What came of one scenario.
#[derive(Debug)]
pub struct Run {
    /// What happened.
    pub history: History,
    /// What the tables held at the end.
    pub last: Last,
    /// What did not hold.
    pub violation: Option<Violation>,
    /// Which faults happened.
    pub faults: Vec<FaultId>,
    /// How many store calls there were.
    pub operations: u64,
}

/// Runs a scenario to its end, on a runtime of its own.
///
/// # Panics
///
/// If the runtime cannot be made.
pub fn run<M: Model>(
    scenario: &Scenario<M::Call>,
    mutation: Option<Arc<dyn Mutation>>,
    mut invariants: Vec<Box<dyn Invariant>>,
    model: impl FnOnce(&Sim) -> M,
) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("expected a runtime, found: {error}"));
    let weather = Weather { rates: scenario.rates, allowed: scenario.allowed.clone(), mutation };
    let (sim, last) = runtime.block_on(async {
        let sim = Sim::begin(scenario.seed, weather).await;
        let model = Arc::new(model(&sim));
        let last = drive(&sim, &model, scenario).await;
        (sim, last)
    });
    let (operations, spinning) = (sim.operations(), sim.spins());
    let (history, faults) = sim.end();
    drop(runtime);
    let spins = || Violation {
        invariant: "no client spins",
        found: format!("expected an end, found {operations} store calls"),
        entries: history.entries().len(),
    };
    let violation =
        panicked(&history).or_else(|| spinning.then(spins)).or_else(|| check(&mut invariants, &history, &last).err());
    Run { history, last, violation, faults, operations }
}

fn panicked(history: &History) -> Option<Violation> {
    let is_panic = |what: &What| matches!(what, What::Note(text) if text.starts_with(PANICKED));
    let at = history.entries().iter().position(|entry| is_panic(&entry.what))?;
    let found = history.entries()[at].what.to_string();
    Some(Violation { invariant: "no part of a client panics", found, entries: at + 1 })
}

async fn drive<M: Model>(sim: &Sim, model: &Arc<M>, scenario: &Scenario<M::Call>) -> Last {
    let plans = scenario.processes.iter().enumerate();
    let places: Vec<_> =
        plans.map(|(number, &plan)| Arc::new(Place::new(sim.clone(), Arc::clone(model), number, plan))).collect();
    for (_, place) in places.iter().enumerate().filter(|(number, _)| !scenario.left_out.contains(number)) {
        #[expect(clippy::disallowed_methods, reason = "what no process of the world may kill")]
        drop(tokio::spawn(Arc::clone(place).keep()));
    }
    for timed in &scenario.steps {
        sleep(timed.at.saturating_sub(sim.elapsed())).await;
        let place = |process: usize| places.get(process);
        match &timed.step {
            Step::Call { process, abandon_after, call } => {
                if let Some(place) = place(*process) {
                    place.call(call.clone(), *abandon_after);
                }
            }
            Step::Crash { process, polls } => drop(place(*process).map(|place| place.crash(*polls))),
            Step::Freeze { process, time } => drop(place(*process).map(|place| place.freeze(*time))),
            Step::Stop { process } => drop(place(*process).map(|place| place.stop())),
            Step::Upgrade { process } => drop(place(*process).map(|place| place.upgrade())),
            Step::Jump { millis } => sim.jump(millis * 1_000),
        }
    }
    sleep(scenario.calm_at.saturating_sub(sim.elapsed())).await;
    sim.calm();
    let (until, mut rested) = (sim.elapsed() + scenario.patience, 0);
    for look in 0_u32.. {
        let last = read_last(sim);
        let is_still = is_at_rest(&last) && !is_log_held(sim) && model.is_at_rest(&last);
        rested = if is_still { rested + 1 } else { 0 };
        if rested == LOOKS || sim.elapsed() >= until {
            return last;
        }
        if look % LOOKS == 0 {
            let place = &places[look as usize / LOOKS as usize % places.len()];
            model.calls_to_rest().into_iter().for_each(|call| place.call(call, None));
        }
        sleep(LOOK).await;
    }
    read_last(sim)
}

fn read_last(sim: &Sim) -> Last {
    sim.observe(&Actor::new("world"), Look::All);
    read(Last::read(sim.memory()))
}

/// Whether an open transaction holds events back: what the log does not tell yet, it may still tell.
fn is_log_held(sim: &Sim) -> bool {
    let mut conn = read(sim.memory().acquire(Access::Read));
    !read(sim.memory().log_holders(&mut conn)).is_empty()
}

/// Whether nothing is worked, and nothing waits to be.
fn is_at_rest(last: &Last) -> bool {
    last.rows.iter().all(|row| row.state != State::Pending && (row.paused || row.run_at.is_none()))
}
