//! Simulates a fleet of clients; `cargo xtask sim` calls it, and says what it takes.
//!
//! `simulate --seed 17 [--verbose] [--no-shrink] [--mutation name]` replays a seed and prints its timeline.
//! `simulate --seeds 1..1001 [--keep-going] [--threads n] [--mutation name]` searches.

#[path = "simulate/arguments.rs"]
mod arguments;
#[path = "simulate/progress.rs"]
mod progress;

use std::process::ExitCode;
use std::sync::Arc;

use delta_testkit::sim::fleet::{self, Call, Fleet};
use delta_testkit::sim::{Detail, Failures, Mutation, Run, Scenario, Search, Timeline, run, shrink};

use crate::arguments::{Arguments, Seeds};
use crate::progress::Meter;

/// How many runs are spent on making a failure small.
const SHRINKS: u32 = 600;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let good = match arguments.seeds {
        Seeds::One(seed) => replay(seed, &arguments),
        Seeds::All { first, end } => search(first, end, &arguments),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn simulated(scenario: &Scenario<Call>, mutation: Option<&Arc<dyn Mutation>>) -> Run {
    run(scenario, mutation.cloned(), fleet::invariants(scenario), Fleet::new)
}

/// Prints the timeline of a seed, made small if it fails; says whether all holds.
fn replay(seed: u64, arguments: &Arguments) -> bool {
    let mutation = arguments.mutation.as_ref();
    let again = |scenario: &Scenario<Call>| simulated(scenario, mutation);
    let (mut scenario, mut outcome) = (fleet::scenario(seed), again(&fleet::scenario(seed)));
    let good = outcome.violation.is_none();
    if !good && arguments.shrinks {
        let (steps, faults) = (scenario.steps.len(), outcome.faults.len());
        let shrunk = shrink(scenario, outcome, SHRINKS, again);
        (scenario, outcome) = (shrunk.scenario, shrunk.run);
        let (fewer, less) = (scenario.steps.len(), outcome.faults.len());
        println!("made smaller in {} runs: {fewer} of {steps} steps, {less} of {faults} faults", shrunk.runs);
    }
    let detail = if arguments.verbose { Detail::Full } else { Detail::Brief };
    let broken = mutation.map(|mutation| format!(" --mutation {}", mutation.name())).unwrap_or_default();
    let command = format!("cargo xtask sim --seed {seed}{broken}");
    println!("{}", Timeline::new(&scenario, &outcome).detail(detail).replay(command));
    good
}

/// Searches seeds for one that fails, and prints a summary; says whether all holds and nothing is missing.
fn search(first: u64, end: u64, arguments: &Arguments) -> bool {
    let failures = if arguments.keeps_going { Failures::KeepGoing } else { Failures::StopAtFirst };
    let mut search = Search::new(first..end).failures(failures).faults(fleet::faults());
    if let Some(threads) = arguments.threads {
        search = search.threads(threads);
    }
    let mutation = arguments.mutation.as_ref();
    let mut meter = Meter::start();
    let report = search.run(|seed| simulated(&fleet::scenario(seed), mutation), |progress| meter.tell(progress));
    meter.end();
    if let Some(found) = report.found.first() {
        replay(found.seed, arguments);
    }
    println!("{report}");
    println!("{}", meter.rate());
    report.is_good()
}
