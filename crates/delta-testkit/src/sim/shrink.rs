use std::collections::BTreeSet;
use std::time::Duration;

use super::fault::FaultId;
use super::run::Run;
use super::scenario::{Scenario, Step, Timed};

/// How long a world goes on after what broke an invariant in its middle.
const AFTERMATH: Duration = Duration::from_secs(1);

/// A scenario that fails, made as small as it got.
#[derive(Debug)]
pub struct Shrunk<T> {
    /// The scenario.
    pub scenario: Scenario<T>,
    /// What came of it: the same invariant is broken.
    pub run: Run,
    /// How many runs that took.
    pub runs: u32,
}

/// Makes a scenario that fails smaller, for as long as the same invariant breaks: first without any fault, then with fewer
/// processes, steps and faults, and with an earlier end; each run of `again` tries one candidate, and there are at most `most`.
///
/// # Guarantees
///
/// The same scenario and the same `again` come to the same end.
///
/// # Examples
///
/// ```no_run
/// use delta_testkit::invariants;
/// use delta_testkit::sim::fleet::{Fleet, scenario};
/// use delta_testkit::sim::{run, shrink};
///
/// let scenario = scenario(17);
/// let again = |scenario: &_| run(scenario, None, invariants::all(), Fleet::new);
/// let failed = again(&scenario);
/// if failed.violation.is_some() {
///     let shrunk = shrink(scenario, failed, 500, again);
///     println!("{} steps are left", shrunk.scenario.steps.len());
/// }
/// ```
pub fn shrink<T: Clone>(
    scenario: Scenario<T>,
    failed: Run,
    most: u32,
    again: impl FnMut(&Scenario<T>) -> Run,
) -> Shrunk<T> {
    let Some(invariant) = failed.violation.as_ref().map(|violation| violation.invariant) else {
        return Shrunk { scenario, run: failed, runs: 0 };
    };
    let mut shrinking = Shrinking { best: Shrunk { scenario, run: failed, runs: 0 }, invariant, most, again };
    shrinking.all();
    shrinking.best
}

struct Shrinking<T, F> {
    best: Shrunk<T>,
    invariant: &'static str,
    most: u32,
    again: F,
}

impl<T: Clone, F: FnMut(&Scenario<T>) -> Run> Shrinking<T, F> {
    fn all(&mut self) {
        self.end_early();
        let no_faults = Scenario { allowed: Some(BTreeSet::new()), ..self.scenario().clone() };
        self.accepts(no_faults);
        loop {
            let size = self.size();
            self.drop_processes();
            self.drop_steps();
            self.drop_faults();
            self.end_early();
            if self.size() == size || self.is_spent() {
                break;
            }
        }
        self.simplify();
    }

    fn scenario(&self) -> &Scenario<T> {
        &self.best.scenario
    }

    fn is_spent(&self) -> bool {
        self.best.runs >= self.most
    }

    fn size(&self) -> (usize, usize, usize) {
        let Scenario { steps, left_out, .. } = self.scenario();
        (steps.len(), self.best.run.faults.len(), usize::MAX - left_out.len())
    }

    /// Keeps a candidate that fails in the same way.
    fn accepts(&mut self, candidate: Scenario<T>) -> bool {
        if self.is_spent() {
            return false;
        }
        self.best.runs += 1;
        let run = (self.again)(&candidate);
        let same = run.violation.as_ref().is_some_and(|violation| violation.invariant == self.invariant);
        if same {
            (self.best.scenario, self.best.run) = (candidate, run);
        }
        same
    }

    /// Lets the world end soon after what broke the invariant, or after its last step.
    fn end_early(&mut self) {
        let Run { violation, history, .. } = &self.best.run;
        let entries = history.entries();
        let seen = violation.as_ref().map_or(0, |violation| violation.entries);
        let in_the_middle = seen < entries.len();
        let (Some(first), Some(last)) = (entries.first(), seen.checked_sub(1).and_then(|last| entries.get(last)))
        else {
            return;
        };
        let mut candidate = self.scenario().clone();
        let end = if in_the_middle {
            let broken = last.at.since(first.at);
            candidate.steps.retain(|timed| timed.at <= broken + AFTERMATH);
            broken + AFTERMATH
        } else {
            candidate.steps.last().map_or(Duration::ZERO, |timed| timed.at) + AFTERMATH
        };
        if end >= candidate.calm_at && candidate.steps.len() == self.scenario().steps.len() {
            return;
        }
        candidate.calm_at = candidate.calm_at.min(end);
        if self.accepts(candidate.clone()) || !in_the_middle {
            return;
        }
        // What broke it may need the storm to go on for longer than its entry says, as where a clock has jumped.
        candidate.calm_at = self.scenario().calm_at;
        self.accepts(candidate);
    }

    fn drop_processes(&mut self) {
        for process in (0..self.scenario().processes.len()).rev() {
            if self.scenario().left_out.contains(&process) {
                continue;
            }
            let mut candidate = self.scenario().clone();
            candidate.left_out.insert(process);
            candidate.steps.retain(|timed| timed.step.process() != Some(process));
            if self.accepts(candidate) {
                continue;
            }
            // What its callers did, others may do as well.
            let Some(other) = self.other(process) else { continue };
            let mut candidate = self.scenario().clone();
            candidate.left_out.insert(process);
            for timed in &mut candidate.steps {
                if timed.step.process() == Some(process) {
                    timed.step.set_process(other);
                }
            }
            self.accepts(candidate);
        }
    }

    fn other(&self, process: usize) -> Option<usize> {
        let Scenario { processes, left_out, .. } = self.scenario();
        (0..processes.len()).find(|other| *other != process && !left_out.contains(other))
    }

    fn drop_steps(&mut self) {
        let with = |scenario: &Scenario<T>, steps| Scenario { steps, ..scenario.clone() };
        self.reduce(|best| best.scenario.steps.clone(), with);
    }

    fn drop_faults(&mut self) {
        let with = |scenario: &Scenario<T>, faults: Vec<FaultId>| {
            let allowed = Some(faults.into_iter().collect());
            Scenario { allowed, ..scenario.clone() }
        };
        self.reduce(|best| best.run.faults.clone(), with);
    }

    /// Leaves out halves, quarters and so on of a list, down to single items, while that fails in the same way.
    fn reduce<I: Clone>(
        &mut self,
        list: impl Fn(&Shrunk<T>) -> Vec<I>,
        with: impl Fn(&Scenario<T>, Vec<I>) -> Scenario<T>,
    ) {
        let mut items = list(&self.best);
        let mut size = items.len();
        while size > 0 && !self.is_spent() {
            let mut at = 0;
            while at < items.len() {
                let end = (at + size).min(items.len());
                let rest = [&items[..at], &items[end..]].concat();
                let candidate = with(self.scenario(), rest.clone());
                if self.accepts(candidate) { items = rest } else { at = end }
            }
            size /= 2;
        }
    }

    /// Makes what is left simpler: crashes sooner, callers that wait, shorter pauses, no drift.
    fn simplify(&mut self) {
        for number in 0..self.scenario().steps.len() {
            for simpler in simpler(&self.scenario().steps[number]) {
                let mut candidate = self.scenario().clone();
                candidate.steps[number] = simpler;
                if self.accepts(candidate) {
                    break;
                }
            }
        }
        let mut candidate = self.scenario().clone();
        let mut drifts = false;
        for plan in &mut candidate.processes {
            drifts |= std::mem::take(&mut plan.drift_ppm) != 0;
        }
        if drifts {
            self.accepts(candidate);
        }
    }
}

/// What may stand for a step, the simplest first.
fn simpler<T: Clone>(timed: &Timed<T>) -> Vec<Timed<T>> {
    let with = |step| Timed { at: timed.at, step };
    match &timed.step {
        Step::Call { process, abandon_after: Some(_), call } => {
            vec![with(Step::Call { process: *process, abandon_after: None, call: call.clone() })]
        }
        Step::Crash { process, polls } => {
            let sooner = [1, polls / 8, polls / 4, polls / 2].into_iter().filter(|fewer| (1..*polls).contains(fewer));
            sooner.map(|polls| with(Step::Crash { process: *process, polls })).collect()
        }
        Step::Freeze { process, time } => {
            let shorter = [*time / 8, *time / 4, *time / 2].into_iter();
            shorter.map(|time| with(Step::Freeze { process: *process, time })).collect()
        }
        _ => Vec::new(),
    }
}
