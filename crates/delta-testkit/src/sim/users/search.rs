use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use super::failure::Failure;
use super::judge::{AtRest, Told};
use super::model::{ComesToRest, Users};
use super::plan::{self, Call};
use super::report::Report;
use super::settles::Settles;
use super::setup::{Setup, Shape};
use super::story::story;
use crate::history::History;
use crate::invariants::{Converges, Invariant, SettledTruthfully, Violation, all};
use crate::sim::run::{Run, run};
use crate::sim::scenario::Scenario;
use crate::sim::shrink::{Shrunk, shrink};
use crate::sim::timeline::Timeline;

/// How many runs it may take to make a failure small.
const ATTEMPTS: u32 = 300;

/// Runs seeds on all cores, until one fails.
pub(super) fn search<W: Send + Sync + 'static>(setup: &Arc<Setup<W>>, seeds: Range<u64>) -> Result<Report, Failure> {
    let first = plan::scenario(setup, seeds.start);
    let (one, other) = (play(setup, &first), play(setup, &first));
    let mut report = Report::of(&one);
    if let Some(violation) = differs(&one, &other) {
        return Err(failure(&first, one, violation));
    }
    let found =
        if one.violation.is_some() { Some((seeds.start, one)) } else { rest(setup, seeds.clone(), &mut report) };
    let Some((seed, run)) = found else {
        return if report.attempts > 0 { Ok(report) } else { Err(idle(seeds.start)) };
    };
    let scenario = plan::scenario(setup, seed);
    if let Some(violation) = differs(&run, &play(setup, &scenario)) {
        return Err(failure(&scenario, run, violation));
    }
    let Shrunk { scenario, run, .. } = shrink(scenario, run, ATTEMPTS, |smaller| play(setup, smaller));
    match run.violation.clone() {
        Some(violation) => Err(failure(&scenario, run, violation)),
        None => panic!("expected a smaller scenario to fail as the whole does, found that it does not"),
    }
}

/// Runs all seeds but the first, and returns the lowest that fails.
fn rest<W: Send + Sync + 'static>(setup: &Arc<Setup<W>>, seeds: Range<u64>, report: &mut Report) -> Option<(u64, Run)> {
    let (next, lowest, found) = (AtomicU64::new(seeds.start + 1), AtomicU64::new(u64::MAX), Mutex::new(None));
    let work = || {
        let mut report = Report::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || seed > lowest.load(Ordering::Relaxed) {
                return report;
            }
            let run = play(setup, &plan::scenario(setup, seed));
            report.add(&Report::of(&run));
            if run.violation.is_some() {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                if seed < lowest.fetch_min(seed, Ordering::Relaxed) {
                    *found = Some((seed, run));
                }
            }
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => report.add(&part),
                Err(panic) => resume_unwind(panic),
            }
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a scenario once.
fn play<W: Send + Sync + 'static>(setup: &Arc<Setup<W>>, scenario: &Scenario<Call>) -> Run {
    let judge = Arc::new(OnceLock::new());
    let mut invariants = all();
    let Shape { must_rest, has_layers, patience, .. } = setup.shape;
    invariants.retain(|invariant| invariant.name() != SettledTruthfully::default().name());
    if !has_layers {
        invariants.push(Box::new(Settles::default()));
    }
    if !must_rest {
        invariants.retain(|invariant| invariant.name() != Converges::default().name());
    }
    for rule in &setup.always {
        invariants.push(Box::new(Told::new(rule.name)));
    }
    if must_rest {
        // Before the one that says less of why.
        invariants.insert(0, Box::new(ComesToRest { patience }));
    }
    for number in 0..setup.at_rest.len() {
        let rule: Box<dyn Invariant> = Box::new(AtRest::new(Arc::clone(&judge), Arc::clone(setup), number));
        invariants.push(rule);
    }
    run(scenario, None, invariants, |sim| Users::new(setup, sim, &judge))
}

fn failure(scenario: &Scenario<Call>, mut run: Run, violation: Violation) -> Failure {
    run.violation = Some(violation.clone());
    let (seed, history) = (scenario.seed, run.history.clone());
    let timeline = Timeline::new(scenario, &story(run)).replay(replay(seed)).to_string();
    Failure { seed, violation, timeline, history }
}

/// What runs a seed again: a test's thread has its name.
fn replay(seed: u64) -> String {
    let thread = thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    format!("DELTA_SEED={seed} cargo test {test}").trim_end().to_owned()
}

/// Where two runs of one scenario part.
fn differs(one: &Run, other: &Run) -> Option<Violation> {
    let (mut ones, mut others) = (one.history.entries().iter(), other.history.entries().iter());
    let mut number = 0;
    loop {
        number += 1;
        let (one, other) = (ones.next().map(ToString::to_string), others.next().map(ToString::to_string));
        if one.is_none() && other.is_none() {
            return None;
        }
        if one != other {
            let [one, other] = [one, other].map(|line| line.unwrap_or_else(|| "the end".to_owned()));
            let found = format!(
                "two runs of one seed part at entry {number}, so something that the simulation does not drive has a say \
                 (a HashMap's order, a clock, random numbers, a thread of its own, what an earlier run has left)\n  \
                 first:  {one}\n  second: {other}"
            );
            return Some(Violation { invariant: "a seed gives one history", found, entries: number });
        }
    }
}

fn idle(seed: u64) -> Failure {
    let found = "no controller was called under any seed: do callers inform the kinds that they work?".to_owned();
    let violation = Violation { invariant: "a controller is called", found, entries: 0 };
    let timeline = format!("seed {seed}: {violation}\n");
    Failure { seed, violation, timeline, history: History::new() }
}
