use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::setup::{Setup, Shape};
use crate::sim::chance::{Chance, Draw};
use crate::sim::fault::FaultRates;
use crate::sim::scenario::{ProcessPlan, Scenario, Step, Timed};

/// A step of a user's callers, in one scenario.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Which of the setup's.
    pub(super) step: usize,
    /// What it draws from.
    pub(super) draw: Draw,
    text: Arc<str>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How long the leases of a seed's clients hold: seconds, where production has a minute, so that a storm sees many end.
pub(super) fn lease(seed: u64) -> Duration {
    Duration::from_secs(4 + Chance::new(seed).draw("simulation", "lease", 0).below(5))
}

/// The scenario that a seed gives.
pub(super) fn scenario<W>(setup: &Setup<W>, seed: u64) -> Scenario<Call> {
    let (shape, chance, lease) = (&setup.shape, Chance::new(seed), lease(seed));
    let mut draw = chance.draw("simulation", "plan", 0);
    let (fewest, most) = (*shape.processes.start(), *shape.processes.end());
    let processes = fewest + below(&mut draw, most - fewest + 1);
    let drift = |draw: &mut Draw| i32::try_from(draw.below(1_001)).unwrap_or(0) - 500;
    let processes: Vec<_> = (0..processes).map(|_| ProcessPlan { drift_ppm: drift(&mut draw), lease }).collect();
    let drawn = FaultRates {
        store: *draw.one_of(&[0, 5, 20, 80]),
        slow: *draw.one_of(&[0, 5, 20]),
        outside: *draw.one_of(&[0, 50, 200, 400]),
        worker: *draw.one_of(&[0, 50, 150]),
    };
    let (fewest, most) = (*shape.steps.start(), *shape.steps.end());
    let steps = u64::from(fewest) + draw.below(u64::from(most - fewest) + 1);
    let mut steps: Vec<_> = (0..steps).map(|number| step(setup, chance, number, processes.len())).collect();
    steps.sort_by_key(|timed| timed.at);
    Scenario {
        seed,
        processes,
        left_out: BTreeSet::new(),
        rates: shape.faults.unwrap_or(drawn),
        allowed: None,
        steps,
        calm_at: shape.storm,
        patience: shape.patience,
    }
}

fn step<W>(setup: &Setup<W>, chance: Chance, number: u64, processes: usize) -> Timed<Call> {
    let mut draw = chance.draw("simulation", "step", number);
    let at = draw.up_to(setup.shape.storm);
    let process = below(&mut draw, processes);
    if draw.happens(setup.shape.trouble) {
        return Timed { at, step: trouble(&setup.shape, &mut draw, process) };
    }
    let abandon_after = draw.happens(30).then(|| u32::try_from(draw.below(8)).unwrap_or(0));
    let step = chosen(setup, &mut draw);
    let draw = chance.draw("simulation", "call", number);
    let text = (setup.steps[step].text)(&mut draw.clone()).into();
    Timed { at, step: Step::Call { process, abandon_after, call: Call { step, draw, text } } }
}

fn trouble(shape: &Shape, draw: &mut Draw, process: usize) -> Step<Call> {
    match draw.below(10) {
        0..=5 => Step::Crash { process, polls: 1 + draw.below(200) },
        6 | 7 => Step::Stop { process },
        8 => Step::Freeze { process, time: Duration::from_secs(1) + draw.up_to(shape.storm / 2) },
        _ => Step::Jump { millis: i64::try_from(draw.below(600)).unwrap_or(0) - 300 },
    }
}

fn chosen<W>(setup: &Setup<W>, draw: &mut Draw) -> usize {
    let mut left = draw.below(setup.steps.iter().map(|step| step.weight).sum());
    let is_it = |weight: u64| {
        let it = left < weight;
        left = left.saturating_sub(weight);
        it
    };
    setup.steps.iter().map(|step| step.weight).position(is_it).unwrap_or(0)
}

fn below(draw: &mut Draw, end: usize) -> usize {
    usize::try_from(draw.below(end as u64)).unwrap_or(0)
}
