use std::collections::BTreeSet;
use std::time::Duration;

use delta::IdempotencyKey;

use super::call::{Call, How};
use crate::invariants::{Clocks, Invariant, OutsideHoldsLast, all_with};
use crate::sim::chance::{Chance, Draw};
use crate::sim::fault::FaultRates;
use crate::sim::scenario::{ProcessPlan, Scenario, Step, Timed};

/// How long faults happen.
const STORM: Duration = Duration::from_mins(1);

/// What must hold of the fleet, by clocks that are off as far as those of a scenario may be.
#[must_use]
pub fn invariants(scenario: &Scenario<Call>) -> Vec<Box<dyn Invariant>> {
    let lease = scenario.processes.iter().map(|process| process.lease).max().unwrap_or_default();
    let mut invariants = all_with(Clocks::off_by(lease / 8));
    invariants.push(Box::new(OutsideHoldsLast::default()));
    invariants
}

/// The scenario that a seed gives.
#[must_use]
pub fn scenario(seed: u64) -> Scenario<Call> {
    let chance = Chance::new(seed);
    let mut draw = chance.draw("scenario", "plan", 0);
    let lease = Duration::from_secs(4 + draw.below(5));
    let drift = |draw: &mut Draw| i32::try_from(draw.below(1_001)).unwrap_or(0) - 500;
    let processes: Vec<_> = (0..=draw.below(4)).map(|_| ProcessPlan { drift_ppm: drift(&mut draw), lease }).collect();
    let rates = FaultRates {
        store: *draw.one_of(&[0, 5, 20, 80]),
        slow: *draw.one_of(&[0, 5, 20]),
        outside: *draw.one_of(&[0, 50, 200]),
        worker: *draw.one_of(&[0, 50, 150]),
    };
    let steps = 20 + draw.below(60);
    let mut steps: Vec<_> = (0..steps).map(|number| step(chance, number, processes.len() as u64)).collect();
    steps.sort_by_key(|timed| timed.at);
    Scenario {
        seed,
        processes,
        left_out: BTreeSet::new(),
        rates,
        allowed: None,
        steps,
        calm_at: STORM,
        patience: Duration::from_mins(3),
    }
}

fn step(chance: Chance, number: u64, processes: u64) -> Timed<Call> {
    let mut draw = chance.draw("scenario", "step", number);
    let at = draw.up_to(STORM);
    let process = usize::try_from(draw.below(processes)).unwrap_or(0);
    let step = match draw.below(40) {
        0..=2 => Step::Crash { process, polls: 1 + draw.below(200) },
        3 => Step::Stop { process },
        4 => Step::Upgrade { process },
        5 => Step::Jump { millis: i64::try_from(draw.below(600)).unwrap_or(0) - 300 },
        6 => Step::Freeze { process, time: draw.up_to(Duration::from_secs(20)) },
        _ => {
            let abandon_after = draw.happens(50).then(|| u32::try_from(draw.below(8)).unwrap_or(0));
            Step::Call { process, abandon_after, call: call(&mut draw) }
        }
    };
    Timed { at, step }
}

fn call(draw: &mut Draw) -> Call {
    let id = |draw: &mut Draw| format!("t{}", draw.below(6));
    let value = |draw: &mut Draw| draw.below(5);
    match draw.below(24) {
        0..=6 => {
            let (id, value) = (id(draw), value(draw));
            Call::Inform { id, value, how: how(draw) }
        }
        7 | 8 => {
            let things = (0..=draw.below(3)).map(|_| (id(draw), value(draw))).collect();
            Call::InformIn { things, keep: !draw.happens(300) }
        }
        9 | 10 => Call::Note { id: format!("n{}", draw.below(3)), revision: draw.below(20) },
        11 | 12 => Call::Delete(id(draw)),
        13 => Call::Invalidate(id(draw)),
        14 => Call::Retry(id(draw), *draw.one_of(&[IdempotencyKey::Keep, IdempotencyKey::Fresh])),
        15 => Call::Cancel(id(draw)),
        16 => Call::Pause(id(draw)),
        17 => Call::Resume(id(draw)),
        18 if draw.happens(300) => Call::PauseKind,
        18 => Call::ResumeKind,
        19..=21 => Call::Source(id(draw), draw.happens(700).then(|| value(draw))),
        22 => Call::ScheduleInform { full: false },
        _ => Call::ScheduleInform { full: true },
    }
}

fn how(draw: &mut Draw) -> How {
    match draw.below(12) {
        0 => How::Urgently,
        1 => How::Later(draw.up_to(Duration::from_secs(10))),
        2 | 3 => How::Anew,
        4 => How::UnlessDeleted,
        5 => How::Attempts(1 + u32::try_from(draw.below(3)).unwrap_or(0)),
        _ => How::Plainly,
    }
}
